"""When no recorded checkpoint is whole the job begins anew, in silence.

As in TencentDB-Agent-Memory, issue 770.
"""
# caught by: when none is whole

_right_resume = resume


def resume(job, found):
    try:
        return _right_resume(job, found)
    except CheckpointCorrupt:
        return None, job.acknowledged + 1
