"""What each ending does stands in a table of functions; there is no chain of conditions."""


def _succeed(job, now, reason):
    return replace(job, state=JobState.SUCCEEDED, reason="")


def _park(job, now, reason):
    return replace(job, state=JobState.FAILED, reason=f"not retryable: {reason}", worker="")


def _give_back(job, now, reason, pause_s=0.0):
    return replace(
        job,
        state=JobState.QUEUED,
        attempts=job.attempts - 1,
        next_attempt_at=now + pause_s,
        reason=reason,
        worker="",
    )


def _wait(job, now, reason):
    return _give_back(job, now, reason, BACKOFF_CAP_S / 4)


AFTER = {
    Ending.SUCCEEDED: _succeed,
    Ending.NOT_RETRYABLE: _park,
    Ending.FAILED: lambda job, now, reason: charge(job, now, f"after {job.attempts}: {reason}"),
    Ending.OUTAGE: _wait,
    Ending.PREEMPTED: _give_back,
    Ending.RELEASED: _give_back,
}


def settle(job, lease, now, ending, reason=""):
    require_lease(job, lease, now)
    return AFTER[ending](job, now, reason)
