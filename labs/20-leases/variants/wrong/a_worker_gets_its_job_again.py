"""A worker that claims again is given the job that it has: two threads of it run one job."""
# caught by: none where there is nothing to run

_right_claim = claim


def claim(jobs, now, worker, lease_s, quota):
    for job in sorted(jobs.values(), key=lambda j: j.sequence):
        if job.state is JobState.RUNNING and (job.worker, now < job.lease_expires_at) == (
            worker,
            True,
        ):
            return job
    return _right_claim(jobs, now, worker, lease_s, quota)
