"""A job whose lease ran out forgets what was acknowledged, and does it a second time."""
# caught by: a worker that died counts

_right_reclaim = reclaim


def reclaim(job, now, lease_s, outage):
    row = _right_reclaim(job, now, lease_s, outage)
    return replace(row, acknowledged=0, checkpoints=()) if row != job else row
