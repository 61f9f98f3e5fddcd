"""The life of a job as a table of what may happen, and the story of one lease that ran out.

Public names are in `experiments` too.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import pandas as pd

from veristack_lab.errors import InvalidInput, InvalidTransition
from veristack_lab.veriflow import lifecycle
from veristack_lab.veriflow.flow import Flow
from veristack_lab.veriflow.lifecycle import JobEvent, JobState, Status

_STATE_AFTER = {
    "JOB_SUBMITTED": "QUEUED",
    "RUN_CLAIMED": "RUNNING",
    "LEASE_EXPIRED": "QUEUED",
    "RUN_RELEASED": "QUEUED",
    "JOB_SUCCEEDED": "SUCCEEDED",
    "JOB_FAILED": "FAILED",
    "JOB_CANCELLED": "CANCELLED",
}


def transitions() -> pd.DataFrame:
    """Every change of state that `lifecycle.apply` allows, found by asking it.

    Returns:
        One row a change: `before`, `event`, `after` (states and the event's name; "the last
        attempt" is told apart from earlier ones where that decides).
    """
    events: tuple[JobEvent, ...] = (
        lifecycle.Claimed(),
        lifecycle.Succeeded(),
        lifecycle.Failed("it broke"),
        lifecycle.LeaseExpired(),
        lifecycle.Released(),
        lifecycle.Cancelled(),
    )
    rows = []
    for state in JobState:
        for event in events:
            for attempts, which in ((1, ""), (2, ", last attempt")):
                status = Status(state, max_attempts=2, retry_base_s=1, attempts=attempts, epoch=1)
                try:
                    after = lifecycle.apply(status, event).status.state
                except InvalidTransition:
                    continue
                rows.append((str(state), type(event).__name__, which, str(after)))
    frame = pd.DataFrame(rows, columns=["before", "event", "which", "after"])
    frame = frame[frame["before"] != frame["after"]]
    outcomes = frame.groupby(["before", "event"])["after"].transform("nunique")
    decides = (outcomes > 1) & (frame["which"] != "")
    frame["event"] += frame["which"].where(decides, "")
    frame = frame.drop(columns="which").drop_duplicates(ignore_index=True)
    frame.attrs = {"seed": None}
    return frame


def database_now(flow: Flow) -> datetime:
    """The time on the database's clock, the only one that leases are judged on."""
    with flow.database.transaction() as cursor:
        row = cursor.execute("select clock_timestamp() as now").fetchone()
    assert row is not None  # a select without a table gives one row
    now: datetime = row["now"]
    return now


def lease_story(flow: Flow, job_id: UUID | str, reported_at: datetime) -> pd.DataFrame:
    """What a job's database and the owner of its first, expired lease saw.

    Args:
        flow: where the job is.
        job_id: a job whose first run was taken back.
        reported_at: when the owner of that run came back, on the database's clock.

    Returns:
        One row a span (`kind` "state" for the job, "lease" for the time that the lease held,
        "belief" from its end to the report) and a mark ("taken back", "refused"): `lane`, `kind`,
        `what`, `start_s`, `end_s` (seconds since the submission).

    Raises:
        InvalidInput: the job has no run.
    """
    job = flow.get(job_id)
    if not job.runs:
        raise InvalidInput(f"job {job.name} was never claimed, so there is no lease to tell of")
    run, zero = job.runs[0], job.created_at
    until = max(reported_at, run.lease_expires_at)
    changes = [
        (event.at, _STATE_AFTER[event.type])
        for event in flow.events(job_id)
        if event.type in _STATE_AFTER
    ]
    ends = [at for at, _ in changes[1:]] + [until]
    owner = run.scheduler_id
    rows = [
        ("job", "state", state, at, end) for (at, state), end in zip(changes, ends, strict=True)
    ]
    rows.append((owner, "lease", f"epoch {run.epoch}", run.started_at, run.lease_expires_at))
    rows.append((owner, "belief", "believes to own the job", run.lease_expires_at, until))
    rows += [
        ("job", "taken back", "the lease was over", event.at, event.at)
        for event in flow.events(job_id)
        if event.type == "LEASE_EXPIRED"
    ]
    rows.append((owner, "refused", "its report was refused", reported_at, reported_at))
    frame = pd.DataFrame(rows, columns=["lane", "kind", "what", "start_s", "end_s"])
    for column in ("start_s", "end_s"):
        frame[column] = [(at - zero).total_seconds() for at in frame[column]]
    frame.attrs = {"job": job.name, "seed": None}
    return frame
