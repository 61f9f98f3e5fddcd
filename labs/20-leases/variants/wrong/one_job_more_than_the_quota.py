"""A tenant may have one job more than its quota."""
# caught by: a tenant that has its quota waits

_right_claim = claim


def claim(jobs, now, worker, lease_s, quota):
    return _right_claim(jobs, now, worker, lease_s, quota + 1)
