"""A success is taken from any worker, since the work is done anyway: a paused one ends a job that
another is working on."""
# caught by: a worker whose lease is over, or was taken, settles nothing
# task: 4

_right_settle = settle


def settle(job, lease, now, ending, reason=""):
    if ending is Ending.SUCCEEDED:
        return replace(job, state=JobState.SUCCEEDED)
    return _right_settle(job, lease, now, ending, reason)
