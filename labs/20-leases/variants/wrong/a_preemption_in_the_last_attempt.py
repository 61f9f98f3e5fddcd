"""A job that is preempted in its last attempt is parked, though the attempt was not its own to lose."""
# caught by: preempted or released

_right_settle = settle


def settle(job, lease, now, ending, reason=""):
    if ending is Ending.PREEMPTED and job.attempts == job.max_attempts:
        ending = Ending.FAILED
    return _right_settle(job, lease, now, ending, reason)
