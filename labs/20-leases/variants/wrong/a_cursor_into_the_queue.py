"""The place in the queue is kept between two calls: a job that is queued again behind it waits for ever."""
# caught by: loses nothing it had

_right_claim = claim
_passed = set()


def claim(jobs, now, worker, lease_s, quota):
    ahead = {name: job for name, job in jobs.items() if (name, job.epoch) not in _passed}
    row = _right_claim(ahead, now, worker, lease_s, quota)
    if row is not None:
        _passed.add((row.job_id, row.epoch - 1))
    return row
