"""`acknowledge` looks at the epoch and not at the time."""
# caught by: a worker whose lease is over, or was taken, acknowledges nothing
# task: 5


def acknowledge(job, lease, now, step, sha256=""):
    if job.state is not JobState.RUNNING or job.epoch != lease.epoch:
        raise LeaseLost("x")
    checkpoints = job.checkpoints + ((Recorded(lease.epoch, step, sha256),) if sha256 else ())
    return replace(job, acknowledged=max(step, job.acknowledged), checkpoints=checkpoints)
