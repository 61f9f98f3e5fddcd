"""Of equally important jobs the newest is run: while jobs keep coming, the oldest waits for ever."""
# caught by: the most important first


def claim(jobs, now, worker, lease_s, quota):
    running = Counter(job.tenant for job in jobs.values() if job.state is JobState.RUNNING)
    best = None
    for job in jobs.values():
        if job.state is not JobState.QUEUED or job.next_attempt_at > now:
            continue
        if running[job.tenant] >= quota:
            continue
        if best is None or (job.priority, job.sequence) > (best.priority, best.sequence):
            best = job
    if best is None:
        return None
    return replace(
        best,
        state=JobState.RUNNING,
        attempts=best.attempts + 1,
        epoch=best.epoch + 1,
        worker=worker,
        lease_expires_at=now + lease_s,
    )
