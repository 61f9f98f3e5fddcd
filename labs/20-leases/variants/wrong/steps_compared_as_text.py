"""Steps are compared as text: step 9 is newer than step 10.

As in open-instruct, issue 542, and litgpt, pull request 661.
"""
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
    newest = max(good, key=lambda each: f"{each.epoch}-{each.step}", default=None)
    return newest, job.acknowledged + 1
