"""What is given back is every attempt: a job that fails and is preempted in turn is never parked."""
# caught by: preempted or released

_right_settle = settle


def settle(job, lease, now, ending, reason=""):
    row = _right_settle(job, lease, now, ending, reason)
    if ending in (Ending.OUTAGE, Ending.PREEMPTED, Ending.RELEASED):
        return replace(row, attempts=0)
    return row
