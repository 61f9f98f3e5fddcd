"""A checkpoint of a step that was acknowledged before is dropped in silence: a job that went back
far loses all that it computes anew."""
# caught by: a checkpoint is recorded beside the earlier ones


def acknowledge(job, lease, now, step, sha256=""):
    require_lease(job, lease, now)
    if step <= job.acknowledged:
        return job
    checkpoints = job.checkpoints
    if sha256:
        checkpoints = (*checkpoints, Recorded(lease.epoch, step, sha256))
    return replace(job, acknowledged=step, checkpoints=checkpoints)
