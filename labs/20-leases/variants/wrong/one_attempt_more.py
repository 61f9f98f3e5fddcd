"""A job is parked after one attempt more than it may have."""
# caught by: an attempt that failed by itself counts


def charge(job, now, reason):
    if job.attempts > job.max_attempts:
        return replace(job, state=JobState.FAILED, reason=reason)
    again_at = now + backoff_s(job.attempts)
    return replace(job, state=JobState.QUEUED, next_attempt_at=again_at, reason=reason)
