"""What is whole counts when its epoch is not newer than the row's: so does what a paused worker wrote
after its fence."""
# caught by: without a checkpoint it begins anew


def resume(job, found):
    good = [
        each
        for each in found
        if each.job_id == job.job_id
        and each.epoch <= max((r.epoch for r in job.checkpoints), default=job.epoch + 99)
        and hashlib.sha256(each.data).hexdigest() == each.sha256
    ]
    newest = max(good, key=lambda each: (each.epoch, each.step), default=None)
    if job.checkpoints and newest is None:
        raise CheckpointCorrupt("none is whole")
    return newest, job.acknowledged + 1
