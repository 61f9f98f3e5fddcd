"""Only the first job of the queue is looked at: when its tenant has its quota, all others wait.

As in kueue, issue 8309.
"""
# caught by: a tenant that has its quota waits


def claim(jobs, now, worker, lease_s, quota):
    queued = [
        job for job in jobs.values() if job.state is JobState.QUEUED and job.next_attempt_at <= now
    ]
    if not queued:
        return None
    job = min(queued, key=lambda job: (-job.priority, job.sequence))
    busy = [j for j in jobs.values() if j.tenant == job.tenant and j.state is JobState.RUNNING]
    if len(busy) >= quota:
        return None
    return replace(
        job,
        state=JobState.RUNNING,
        attempts=job.attempts + 1,
        epoch=job.epoch + 1,
        worker=worker,
        lease_expires_at=now + lease_s,
    )
