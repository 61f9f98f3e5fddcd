"""`settle` looks at the epoch and the time alone: a report that is repeated, because its reply was
lost, turns a success into a failure, and a failure into two."""
# caught by: settled a second time

_right_settle = settle


def settle(job, lease, now, ending, reason=""):
    if job.epoch != lease.epoch or now >= job.lease_expires_at:
        raise LeaseLost(f"epoch {lease.epoch} of {job.job_id} has ended")
    return _right_settle(replace(job, state=JobState.RUNNING), lease, now, ending, reason)
