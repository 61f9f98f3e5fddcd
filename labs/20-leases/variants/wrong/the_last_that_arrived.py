"""The checkpoint that arrived last in the object store is taken, whatever its step is."""
# caught by: from the newest checkpoint
# task: 5

_right_resume = resume


def resume(job, found):
    _right_resume(job, found)
    recorded = {(each.epoch, each.step, each.sha256) for each in job.checkpoints}
    good = [
        each
        for each in found
        if each.job_id == job.job_id
        and (each.epoch, each.step, hashlib.sha256(each.data).hexdigest()) in recorded
    ]
    return (good[-1] if good else None), job.acknowledged + 1
