"""Rows become dictionaries, decisions are made by match, and a Job is built at the end."""

from dataclasses import fields


def _as_dict(job):
    return {field.name: getattr(job, field.name) for field in fields(job)}


def settle(job, lease, now, ending, reason=""):
    require_lease(job, lease, now)
    row = _as_dict(job)
    match ending, row["attempts"] < row["max_attempts"]:
        case Ending.SUCCEEDED, _:
            row |= {"state": JobState.SUCCEEDED}
        case (Ending.NOT_RETRYABLE, _) | (Ending.FAILED, False):
            row |= {"state": JobState.FAILED, "reason": reason}
        case Ending.FAILED, True:
            at = now + backoff_s(row["attempts"])
            row |= {"state": JobState.QUEUED, "next_attempt_at": at, "reason": reason}
        case _:
            at = now + (BACKOFF_BASE_S if ending is Ending.OUTAGE else 0)
            row |= {
                "state": JobState.QUEUED,
                "next_attempt_at": at,
                "attempts": row["attempts"] - 1,
            }
    return Job(**row)


def reclaim(job, now, lease_s, outage):
    match job:
        case Job(state=JobState.RUNNING, lease_expires_at=until) if until <= now:
            if max(outage[0], until - lease_s) < min(outage[1], until):
                row = _as_dict(job) | {"state": JobState.QUEUED, "attempts": job.attempts - 1}
                return Job(**row | {"next_attempt_at": now + BACKOFF_BASE_S})
            return charge(job, now, f"no heartbeat since {until - lease_s}")
        case _:
            return job
