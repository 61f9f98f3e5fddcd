"""A heartbeat adds a whole lease to what is left: after a hundred of them a death is seen hours later."""
# caught by: a live lease is extended


def heartbeat(job, lease, now, lease_s):
    require_lease(job, lease, now)
    return replace(job, lease_expires_at=job.lease_expires_at + lease_s)
