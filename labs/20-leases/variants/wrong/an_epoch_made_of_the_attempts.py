"""The epoch is the number of the attempt; an attempt that is given back gives the same epoch again."""
# caught by: loses nothing it had

_right_claim = claim


def claim(jobs, now, worker, lease_s, quota):
    row = _right_claim(jobs, now, worker, lease_s, quota)
    return None if row is None else replace(row, epoch=row.attempts)
