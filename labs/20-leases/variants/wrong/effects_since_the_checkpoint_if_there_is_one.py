"""The first step with an effect comes after the checkpoint, when there is one."""
# caught by: from the newest checkpoint
# task: 5

_right_resume = resume


def resume(job, found):
    checkpoint, first = _right_resume(job, found)
    return checkpoint, checkpoint.step + 1 if checkpoint else first
