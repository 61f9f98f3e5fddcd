"""A heartbeat is taken some seconds after the lease was over, when the store may have given the job away."""
# caught by: a lease that is over is lost


def heartbeat(job, lease, now, lease_s):
    require_lease(job, lease, now - 5 if now < 100 else now)
    return replace(job, lease_expires_at=now + lease_s)
