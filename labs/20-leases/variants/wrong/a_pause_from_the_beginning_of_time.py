"""A pause is written without the present time, so every pause is over already."""
# caught by: an attempt that failed by itself counts


def charge(job, now, reason):
    if job.attempts >= job.max_attempts:
        return replace(job, state=JobState.FAILED, reason=reason)
    return replace(
        job, state=JobState.QUEUED, next_attempt_at=backoff_s(job.attempts), reason=reason
    )
