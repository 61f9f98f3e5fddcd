"""What a worker has done is noted in any case, since it is done: a paused one writes into the new
holder's row."""
# caught by: a worker whose lease is over, or was taken, acknowledges nothing


def acknowledge(job, lease, now, step, sha256=""):
    checkpoints = job.checkpoints
    if sha256:
        checkpoints = (*checkpoints, Recorded(lease.epoch, step, sha256))
    return replace(job, acknowledged=max(job.acknowledged, step), checkpoints=checkpoints)
