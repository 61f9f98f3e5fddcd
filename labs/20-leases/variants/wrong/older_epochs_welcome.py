"""An epoch that is not newer than the row's is let in: a paused worker writes over the new holder."""
# caught by: a worker that was paused has lost


def require_lease(job, lease, now):
    if job.state is not JobState.RUNNING or lease.epoch > job.epoch:
        raise LeaseLost(f"epoch {lease.epoch} of {job.job_id} has ended")
    if now >= job.lease_expires_at:
        raise LeaseLost(f"the lease of {job.job_id} ran out")
