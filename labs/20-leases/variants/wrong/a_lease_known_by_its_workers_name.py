"""The name of the worker tells the holder: one that is started again under its name is both.

As in procrastinate, issue 1518, where a pod that is started again has the same name.
"""
# caught by: a worker that was paused has lost


def require_lease(job, lease, now):
    if job.state is not JobState.RUNNING or job.worker != lease.worker:
        raise LeaseLost(f"{job.job_id} is not {lease.worker}'s")
    if now >= job.lease_expires_at:
        raise LeaseLost(f"the lease of {job.job_id} ran out")
