"""Very important jobs pass by the quota: one tenant takes every worker."""
# caught by: a tenant that has its quota waits

_right_claim = claim


def claim(jobs, now, worker, lease_s, quota):
    urgent = {n: j for n, j in jobs.items() if j.priority >= 100}
    return (_right_claim(urgent, now, worker, lease_s, 10**9) if urgent else None) or _right_claim(
        jobs, now, worker, lease_s, quota
    )
