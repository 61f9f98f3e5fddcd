"""The epoch is taken for the number of attempts: what was given back counts in the end."""
# caught by: an attempt that failed by itself counts


def charge(job, now, reason):
    if job.epoch >= job.max_attempts:
        return replace(job, state=JobState.FAILED, reason=reason)
    return replace(
        job, state=JobState.QUEUED, next_attempt_at=now + backoff_s(job.attempts), reason=reason
    )
