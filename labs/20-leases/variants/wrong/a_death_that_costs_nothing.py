"""A lease that ran out gives the attempt back: a job that kills its workers is never parked.

As in activepieces, issue 15130, where such a job went through all workers for 17 hours.
"""
# caught by: the store takes back a lease that is over

_right_reclaim = reclaim


def reclaim(job, now, lease_s, outage):
    return _right_reclaim(job, now, lease_s, (0.0, now + 1.0))
