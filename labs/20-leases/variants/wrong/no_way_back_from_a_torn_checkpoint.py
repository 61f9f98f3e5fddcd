"""When the newest checkpoint is torn the job cannot go on, though the one before is whole.

As in bookkeeper, pull request 2635.
"""
# caught by: a checkpoint that a fenced worker wrote

_right_resume = resume


def resume(job, found):
    if job.checkpoints:
        newest = max(job.checkpoints, key=lambda each: (each.epoch, each.step))
        job = replace(job, checkpoints=(newest,))
    return _right_resume(job, found)
