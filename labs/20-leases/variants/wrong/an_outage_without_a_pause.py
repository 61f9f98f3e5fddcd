"""During an outage a job is queued again at once: workers claim and drop it as fast as they can.

As in pgedge-vectorizer, issue 52: what is no item's fault is tried again without end or pause.
"""
# caught by: an outage: the attempt is given back, and the job pauses

_right_settle = settle


def settle(job, lease, now, ending, reason=""):
    if ending is Ending.OUTAGE:
        ending = Ending.PREEMPTED
    return _right_settle(job, lease, now, ending, reason)
