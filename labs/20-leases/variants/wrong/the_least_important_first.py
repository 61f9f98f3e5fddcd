"""Priority 1 is taken for the first, as in other systems, and the least important job is run."""
# caught by: not before its time

_right_claim = claim


def claim(jobs, now, worker, lease_s, quota):
    turned = {name: replace(job, priority=-job.priority) for name, job in jobs.items()}
    row = _right_claim(turned, now, worker, lease_s, quota)
    return None if row is None else replace(row, priority=-row.priority)
