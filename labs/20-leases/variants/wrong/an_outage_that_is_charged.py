"""An outage of what the job needs counts as an attempt: an hour without a server parks every job.

As in viur-core, pull request 1749: after four failures of the provider nothing was sent any more.
"""
# caught by: an outage: the attempt is given back

_right_settle = settle


def settle(job, lease, now, ending, reason=""):
    if ending is Ending.OUTAGE:
        ending = Ending.FAILED
    return _right_settle(job, lease, now, ending, reason)
