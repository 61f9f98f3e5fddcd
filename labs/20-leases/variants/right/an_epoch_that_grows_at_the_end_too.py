"""The epoch grows when an attempt ends as well: the fence is raised before the next claim."""

_right_settle, _right_reclaim = settle, reclaim


def settle(job, lease, now, ending, reason=""):
    row = _right_settle(job, lease, now, ending, reason)
    return replace(row, epoch=row.epoch + 1)


def reclaim(job, now, lease_s, outage):
    row = _right_reclaim(job, now, lease_s, outage)
    return row if row is job else replace(row, epoch=row.epoch + 1)
