"""The highest step wins, also one of an epoch from which a later one has gone back."""
# caught by: from the newest checkpoint


def resume(job, found):
    recorded = {(each.epoch, each.step, each.sha256) for each in job.checkpoints}
    good = [
        each
        for each in found
        if each.job_id == job.job_id
        and (each.epoch, each.step, hashlib.sha256(each.data).hexdigest()) in recorded
    ]
    if recorded and not good:
        raise CheckpointCorrupt("none is whole")
    newest = max(good, key=lambda each: (each.step, each.epoch), default=None)
    return newest, job.acknowledged + 1
