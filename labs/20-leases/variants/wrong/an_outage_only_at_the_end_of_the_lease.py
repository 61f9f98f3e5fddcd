"""Only an outage in the moment at which the lease ran out excuses the worker, and not one in which
its last heartbeat was lost."""
# caught by: a lease in which the store was unreachable does not count

_right_reclaim = reclaim


def reclaim(job, now, lease_s, outage):
    if not outage[0] <= job.lease_expires_at < outage[1]:
        outage = (0.0, 0.0)
    return _right_reclaim(job, now, lease_s, outage)
