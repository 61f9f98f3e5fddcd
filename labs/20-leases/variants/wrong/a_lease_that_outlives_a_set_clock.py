"""A heartbeat never makes a lease shorter: one that was given before the clock was set back lasts for hours."""
# caught by: a live lease is extended


def heartbeat(job, lease, now, lease_s):
    require_lease(job, lease, now)
    return replace(job, lease_expires_at=max(job.lease_expires_at, now + lease_s))
