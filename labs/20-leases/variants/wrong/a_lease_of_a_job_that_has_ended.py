"""The state of the job is not looked at: a job that was released or has ended still has a holder."""
# caught by: a job that does not run has no lease


def require_lease(job, lease, now):
    if job.epoch != lease.epoch or now >= job.lease_expires_at:
        raise LeaseLost(f"epoch {lease.epoch} of {job.job_id} has ended")
