"""The epoch goes back to 0 with the lease: the next holder has the epoch of an earlier one."""
# caught by: a success is final
# task: 4

_right_settle = settle


def settle(job, lease, now, ending, reason=""):
    row = _right_settle(job, lease, now, ending, reason)
    return replace(row, epoch=0, worker="")
