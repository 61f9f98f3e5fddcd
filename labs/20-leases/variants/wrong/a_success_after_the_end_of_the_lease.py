"""A success of the latest epoch is taken although its lease is over: it may be taken back meanwhile."""
# caught by: a worker whose lease is over, or was taken, settles nothing
# task: 4

_right_settle = settle


def settle(job, lease, now, ending, reason=""):
    if job.state is JobState.RUNNING and job.epoch == lease.epoch and ending is Ending.SUCCEEDED:
        return replace(job, state=JobState.SUCCEEDED)
    return _right_settle(job, lease, now, ending, reason)
