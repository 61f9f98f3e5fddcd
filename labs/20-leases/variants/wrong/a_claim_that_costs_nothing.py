"""A claim does not count the attempt: a job that kills its workers is never parked.

As in hindsight, issue 2675: 54 times in 22 hours.
"""
# caught by: loses nothing it had

_right_claim = claim


def claim(jobs, now, worker, lease_s, quota):
    row = _right_claim(jobs, now, worker, lease_s, quota)
    return None if row is None else replace(row, attempts=row.attempts - 1)
