"""A key that was used for another body gives the first job, and the second body is never run.

As in agent-bom, pull request 2969.
"""
# caught by: the same key and another body


def submit(jobs, new):
    for job in jobs.values():
        if new.key and (job.tenant, job.key) == (new.tenant, new.key):
            return job
    return new
