"""A job whose lease is over is not counted, though its worker may still be computing."""
# caught by: any table

_right_claim = claim


def claim(jobs, now, worker, lease_s, quota):
    living = {
        name: job
        for name, job in jobs.items()
        if job.state is not JobState.RUNNING or job.lease_expires_at > now
    }
    return _right_claim(living, now, worker, lease_s, quota)
