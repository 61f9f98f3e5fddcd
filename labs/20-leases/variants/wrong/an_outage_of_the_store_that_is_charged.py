"""A lease that ran out counts always: an outage of the store, in which no heartbeat could arrive,
costs every running job an attempt.

As in SkyPilot, issue 10155: 24 recoveries of a job that was healthy.
"""
# caught by: a lease in which the store was unreachable does not count

_right_reclaim = reclaim


def reclaim(job, now, lease_s, outage):
    return _right_reclaim(job, now, lease_s, (0.0, 0.0))
