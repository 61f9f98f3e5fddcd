"""A claim makes a fresh row, and forgets checkpoints and what was acknowledged."""
# caught by: loses nothing it had

_right_claim = claim


def claim(jobs, now, worker, lease_s, quota):
    row = _right_claim(jobs, now, worker, lease_s, quota)
    if row is None:
        return None
    return Job(
        row.job_id,
        row.tenant,
        row.priority,
        row.sequence,
        row.body,
        row.key,
        row.max_attempts,
        state=row.state,
        attempts=row.attempts,
        epoch=row.epoch,
        worker=worker,
        lease_expires_at=row.lease_expires_at,
    )
