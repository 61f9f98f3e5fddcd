"""At the moment at which a lease is over it is still held, and may be taken back, too."""
# caught by: a lease that is over is lost


def require_lease(job, lease, now):
    if job.state is not JobState.RUNNING or job.epoch != lease.epoch:
        raise LeaseLost(f"epoch {lease.epoch} of {job.job_id} has ended")
    if now > job.lease_expires_at:
        raise LeaseLost(f"the lease of {job.job_id} ran out")
