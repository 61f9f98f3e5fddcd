"""A lease is taken back while it is held, because a heartbeat is late: two workers run one job.

As in airflow, issue 31198.
"""
# caught by: the store takes back a lease that is over

_right_reclaim = reclaim


def reclaim(job, now, lease_s, outage):
    if job.state is JobState.RUNNING and now >= job.lease_expires_at - lease_s / 2:
        return charge(job, now, "the heartbeat is late")
    return _right_reclaim(job, now, lease_s, outage)
