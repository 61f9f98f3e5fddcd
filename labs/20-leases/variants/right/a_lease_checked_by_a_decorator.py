"""A decorator checks the lease before each call of a worker, in one place."""

from functools import wraps


def under_lease(function):
    @wraps(function)
    def checked(job, lease, now, *rest, **named):
        living = job.state == "RUNNING" and now < job.lease_expires_at
        if not (living and job.epoch == lease.epoch):
            raise LeaseLost(f"{lease.worker} has lost {job.job_id}")
        return function(job, lease, now, *rest, **named)

    return checked


@under_lease
def heartbeat(job, lease, now, lease_s):
    return replace(job, lease_expires_at=now + lease_s)


settle = under_lease(settle)
acknowledge = under_lease(acknowledge)
