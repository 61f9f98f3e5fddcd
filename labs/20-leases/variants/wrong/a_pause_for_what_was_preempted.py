"""A job that was preempted or released pauses, as if it had failed: each roll-out stops the queue."""
# caught by: preempted or released

_right_settle = settle


def settle(job, lease, now, ending, reason=""):
    row = _right_settle(job, lease, now, ending, reason)
    if ending in (Ending.PREEMPTED, Ending.RELEASED):
        return replace(row, next_attempt_at=now + backoff_s(job.attempts))
    return row
