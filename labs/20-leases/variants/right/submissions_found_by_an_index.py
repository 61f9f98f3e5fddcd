"""Submissions are found by an index of keys and compared whole, as a tuple."""


def submit(jobs, new):
    index = {(job.tenant, job.key): job for job in jobs.values() if job.key}
    old = index.get((new.tenant, new.key))
    if old is None:
        return new
    if (old.tenant, old.key, old.body) == (new.tenant, new.key, new.body):
        return old
    raise IdempotencyConflict(f"{old.job_id} was submitted with another body under {new.key!r}")
