"""A claim takes a job whose lease is over as if it were queued: the attempt of its worker is lost.

So a job that kills its workers is claimed for ever, as in clevis, issue 130.
"""
# caught by: none where there is nothing to run

_right_claim = claim


def claim(jobs, now, worker, lease_s, quota):
    seen = {
        name: replace(job, state=JobState.QUEUED, next_attempt_at=0.0)
        if job.state is JobState.RUNNING and job.lease_expires_at <= now
        else job
        for name, job in jobs.items()
    }
    return _right_claim(seen, now, worker, lease_s, quota)
