"""A job that loses the lease of its last attempt in an outage of the store is parked."""
# caught by: a lease in which the store was unreachable does not count

_right_reclaim = reclaim


def reclaim(job, now, lease_s, outage):
    last = job.attempts >= job.max_attempts
    return _right_reclaim(job, now, lease_s, (0.0, 0.0) if last else outage)
