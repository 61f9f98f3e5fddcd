"""A key counts only while its job is open: a late second try of the client runs the job again."""
# caught by: the same key and the same body


def submit(jobs, new):
    open_jobs = {
        name: job for name, job in jobs.items() if job.state in (JobState.QUEUED, JobState.RUNNING)
    }
    for job in open_jobs.values():
        if new.key and (job.tenant, job.key) == (new.tenant, new.key):
            if job.body != new.body:
                raise IdempotencyConflict(f"key {new.key!r} was used for another body")
            return job
    return new
