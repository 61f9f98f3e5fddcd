"""A failed attempt drops the checkpoints of the attempts before it."""
# caught by: an attempt that failed by itself counts

_right_settle = settle


def settle(job, lease, now, ending, reason=""):
    row = _right_settle(job, lease, now, ending, reason)
    return replace(row, checkpoints=()) if ending is Ending.FAILED else row
