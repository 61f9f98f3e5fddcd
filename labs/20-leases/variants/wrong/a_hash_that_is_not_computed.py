"""The hashes of row and writer are compared, and the bytes are never looked at: a torn checkpoint wins."""
# caught by: one that is torn, changed or gone


def resume(job, found):
    good = [
        each
        for each in found
        if each.job_id == job.job_id
        and Recorded(each.epoch, each.step, each.sha256) in job.checkpoints
    ]
    if job.checkpoints and not good:
        raise CheckpointCorrupt("none is whole")
    newest = max(good, key=lambda each: (each.epoch, each.step), default=None)
    return newest, job.acknowledged + 1
