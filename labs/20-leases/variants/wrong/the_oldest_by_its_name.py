"""The oldest job is found by the text of its id: j10 comes before j9."""
# caught by: the most important first


def claim(jobs, now, worker, lease_s, quota):
    running = Counter(job.tenant for job in jobs.values() if job.state is JobState.RUNNING)
    runnable = [
        job
        for job in jobs.values()
        if job.state is JobState.QUEUED
        and job.next_attempt_at <= now
        and running[job.tenant] < quota
    ]
    if not runnable:
        return None
    job = min(runnable, key=lambda job: (-job.priority, job.job_id))
    return replace(
        job,
        state=JobState.RUNNING,
        attempts=job.attempts + 1,
        epoch=job.epoch + 1,
        worker=worker,
        lease_expires_at=now + lease_s,
    )
