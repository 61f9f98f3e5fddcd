"""Any outage that there ever was excuses every worker: a job that kills its workers is never parked."""
# caught by: a lease in which the store was unreachable does not count

_right_reclaim = reclaim


def reclaim(job, now, lease_s, outage):
    return _right_reclaim(job, now, lease_s, (0.0, now) if outage[1] else outage)
