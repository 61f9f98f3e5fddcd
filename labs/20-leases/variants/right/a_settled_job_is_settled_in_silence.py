"""A repeated `settle` of the epoch that has settled gives the row as it is, and no error."""

_right_settle = settle


def settle(job, lease, now, ending, reason=""):
    if job.epoch == lease.epoch and job.state is not JobState.RUNNING:
        return job
    return _right_settle(job, lease, now, ending, reason)
