"""The second try of a client whose reply was lost is refused, though it is the same submission."""
# caught by: the same key and the same body


def submit(jobs, new):
    for job in jobs.values():
        if new.key and (job.tenant, job.key) == (new.tenant, new.key):
            raise IdempotencyConflict(f"key {new.key!r} was used before")
    return new
