"""A job that was tried before comes after all that were not: while new jobs keep coming, it waits for ever."""
# caught by: the most important first


def claim(jobs, now, worker, lease_s, quota):
    running = Counter(job.tenant for job in jobs.values() if job.state is JobState.RUNNING)
    runnable = [
        j
        for j in jobs.values()
        if j.state is JobState.QUEUED and j.next_attempt_at <= now and running[j.tenant] < quota
    ]
    if not runnable:
        return None
    job = min(runnable, key=lambda job: (-job.priority, job.attempts, job.sequence))
    return replace(
        job,
        state=JobState.RUNNING,
        attempts=job.attempts + 1,
        epoch=job.epoch + 1,
        worker=worker,
        lease_expires_at=now + lease_s,
    )
