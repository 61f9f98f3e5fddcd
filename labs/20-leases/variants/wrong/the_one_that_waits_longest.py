"""Of equally important jobs the one is taken whose pause ended first, and not the one that was submitted first."""
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
    job = min(runnable, key=lambda job: (-job.priority, job.next_attempt_at, job.sequence))
    return replace(
        job,
        state=JobState.RUNNING,
        attempts=job.attempts + 1,
        epoch=job.epoch + 1,
        worker=worker,
        lease_expires_at=now + lease_s,
    )
