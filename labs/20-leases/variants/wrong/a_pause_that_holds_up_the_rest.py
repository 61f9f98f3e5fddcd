"""The first job of the queue is waited for until its pause is over: a job that fails stops all."""
# caught by: not before its time


def claim(jobs, now, worker, lease_s, quota):
    running = Counter(job.tenant for job in jobs.values() if job.state is JobState.RUNNING)
    queued = [
        job for job in jobs.values() if job.state is JobState.QUEUED and running[job.tenant] < quota
    ]
    job = min(queued, key=lambda job: (-job.priority, job.sequence), default=None)
    if job is None or job.next_attempt_at > now:
        return None
    return replace(
        job,
        state=JobState.RUNNING,
        attempts=job.attempts + 1,
        epoch=job.epoch + 1,
        worker=worker,
        lease_expires_at=now + lease_s,
    )
