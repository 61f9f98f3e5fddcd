"""The row keeps the four checkpoints that were recorded last, however many of them are torn."""
# caught by: a checkpoint is recorded beside the earlier ones


def acknowledge(job, lease, now, step, sha256=""):
    require_lease(job, lease, now)
    checkpoints = job.checkpoints + ((Recorded(lease.epoch, step, sha256),) if sha256 else ())
    return replace(job, acknowledged=max(step, job.acknowledged), checkpoints=checkpoints[-4:])
