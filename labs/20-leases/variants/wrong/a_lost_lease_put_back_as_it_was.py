"""A job whose lease ran out is queued again with its old time and without a bound of attempts."""
# caught by: the store takes back a lease that is over


def reclaim(job, now, lease_s, outage):
    if job.state is not JobState.RUNNING or now < job.lease_expires_at:
        return job
    return replace(job, state=JobState.QUEUED, worker="")
