"""Bodies are compared by a checksum of 32 bits, which two bodies may share."""
# caught by: the same key and another body

import zlib


def submit(jobs, new):
    for job in jobs.values():
        if new.key and (job.tenant, job.key) == (new.tenant, new.key):
            if zlib.adler32(job.body.encode()) != zlib.adler32(new.body.encode()):
                raise IdempotencyConflict("x")
            return job
    return new
