"""A parked job does not say why."""
# caught by: after the last one the job is parked, and says why


def charge(job, now, reason):
    if job.attempts >= job.max_attempts:
        return replace(job, state=JobState.FAILED, reason="no attempts left")
    again_at = now + backoff_s(job.attempts)
    return replace(job, state=JobState.QUEUED, next_attempt_at=again_at, reason=reason)
