"""A job is queued again after each failure: a poisonous one comes back for ever.

As in spring-kafka, issue 2415, where a record goes to the queue of dead letters for ever.
"""
# caught by: an attempt that failed by itself counts


def charge(job, now, reason):
    again_at = now + backoff_s(job.attempts)
    return replace(job, state=JobState.QUEUED, next_attempt_at=again_at, reason=reason)
