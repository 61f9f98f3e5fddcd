"""A worker that is shut down costs its jobs an attempt: three roll-outs park a healthy job.

As in delayed_job, issue 951, and refinebio, issue 708.
"""
# caught by: preempted or released

_right_settle = settle


def settle(job, lease, now, ending, reason=""):
    if ending is Ending.RELEASED:
        ending = Ending.FAILED
    return _right_settle(job, lease, now, ending, reason)
