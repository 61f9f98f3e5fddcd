"""The row keeps its newest checkpoint alone: when that is torn there is none to go back to.

As in Scylla of HomericIntelligence, issue 1947.
"""
# caught by: a checkpoint is recorded beside the earlier ones


def acknowledge(job, lease, now, step, sha256=""):
    require_lease(job, lease, now)
    checkpoints = job.checkpoints
    if sha256:
        checkpoints = (Recorded(lease.epoch, step, sha256),)
    return replace(job, acknowledged=max(job.acknowledged, step), checkpoints=checkpoints)
