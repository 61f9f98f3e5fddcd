"""A heartbeat is answered and extends nothing."""
# caught by: a live lease is extended


def heartbeat(job, lease, now, lease_s):
    require_lease(job, lease, now)
    return job
