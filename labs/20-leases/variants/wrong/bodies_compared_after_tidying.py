"""Bodies are compared in lower case and without spaces around them: two jobs become one."""
# caught by: the same key and another body


def submit(jobs, new):
    for job in jobs.values():
        if new.key and (job.tenant, job.key) == (new.tenant, new.key):
            if job.body.strip().lower() != new.body.strip().lower():
                raise IdempotencyConflict(f"key {new.key!r} was used for another body")
            return job
    return new
