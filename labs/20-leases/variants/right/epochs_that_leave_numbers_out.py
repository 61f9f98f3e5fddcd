"""Epochs grow by ten, and a row that is given back forgets its worker and its lease."""

_right_claim, _right_settle, _right_reclaim = claim, settle, reclaim


def claim(jobs, now, worker, lease_s, quota):
    row = _right_claim(jobs, now, worker, lease_s, quota)
    return None if row is None else replace(row, epoch=row.epoch + 9)


def _free(row):
    if row.state is JobState.RUNNING:
        return row
    return replace(row, worker="", lease_expires_at=0.0)


def settle(job, lease, now, ending, reason=""):
    return _free(_right_settle(job, lease, now, ending, reason))


def reclaim(job, now, lease_s, outage):
    row = _right_reclaim(job, now, lease_s, outage)
    return job if row == job else _free(row)
