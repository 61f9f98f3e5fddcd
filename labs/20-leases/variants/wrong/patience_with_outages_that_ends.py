"""After the twentieth claim an outage parks the job, though it never failed."""
# caught by: an outage: the attempt is given back

_right_settle = settle


def settle(job, lease, now, ending, reason=""):
    row = _right_settle(job, lease, now, ending, reason)
    if ending is Ending.OUTAGE and job.epoch > 20:
        return replace(row, state=JobState.FAILED, reason="too many outages")
    return row
