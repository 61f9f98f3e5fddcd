"""A lease is judged by the worker's clock: one that is slow holds it for ever, one that is fast never.

As in occurrent, issues 659 and 662, and MailFathom, issue 1989.
"""
# caught by: the store's clock decides


def require_lease(job, lease, now):
    if job.state is not JobState.RUNNING or job.epoch != lease.epoch:
        raise LeaseLost(f"epoch {lease.epoch} of {job.job_id} has ended")
    if lease.shown_at >= job.lease_expires_at:
        raise LeaseLost(f"the lease of {job.job_id} ran out")
