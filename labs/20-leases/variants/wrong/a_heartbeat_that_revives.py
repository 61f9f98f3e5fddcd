"""A heartbeat of the latest epoch is taken at any time: a lease that is over comes back to life."""
# caught by: a lease that is over is lost


def heartbeat(job, lease, now, lease_s):
    if job.state is not JobState.RUNNING or job.epoch != lease.epoch:
        raise LeaseLost(f"epoch {lease.epoch} of {job.job_id} has ended")
    return replace(job, lease_expires_at=now + lease_s)
