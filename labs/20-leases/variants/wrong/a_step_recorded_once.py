"""A checkpoint replaces the one of the same step of an earlier epoch: torn or not, it is the only one."""
# caught by: a checkpoint is recorded beside the earlier ones


def acknowledge(job, lease, now, step, sha256=""):
    require_lease(job, lease, now)
    checkpoints = job.checkpoints
    if sha256:
        checkpoints = (
            *(c for c in checkpoints if c.step != step),
            Recorded(lease.epoch, step, sha256),
        )
    return replace(job, acknowledged=max(step, job.acknowledged), checkpoints=checkpoints)
