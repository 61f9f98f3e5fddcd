"""The only place where a job's state changes in the database.

Commit point: the COMMIT of the transaction that the caller holds. Everything an event does
(the job's row, the run's row, the history) is written in that one transaction, so a reader
sees all of it or nothing, and a crash at any moment leaves a job that another scheduler can
continue.

Lock order is job, then run, always; so transactions wait for each other but never deadlock.
Jobs are locked FOR NO KEY UPDATE: a run that holds its own row may then still append events,
whose foreign key needs a KEY SHARE lock on the job.
All times are the database's own (`clock_timestamp()`); no other clock decides anything.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb

from veristack_lab.errors import JobNotFound, LeaseLost
from veristack_lab.veriflow.database import Cursor, Row
from veristack_lab.veriflow.lifecycle import (
    EndRun,
    JobEvent,
    JobState,
    Record,
    Requeue,
    StartRun,
    Status,
    apply,
)
from veristack_lab.veriflow.records import Lease


def lock_job(cursor: Cursor, job_id: UUID) -> Row:
    """The job's row, locked until the transaction ends.

    Raises:
        JobNotFound: there is no such job.
    """
    row = cursor.execute(
        "select * from jobs where job_id = %s for no key update", [job_id]
    ).fetchone()
    if row is None:
        raise JobNotFound(f"there is no job {job_id}; `list()` lists the jobs")
    return row


def require_lease(cursor: Cursor, lease: Lease) -> None:
    """Make sure, until the transaction ends, that the lease is held and not over.

    The shared lock keeps the run from being ended or reclaimed before the caller's COMMIT.

    Raises:
        LeaseLost: the run was ended by another process, or its lease ran out.
    """
    row = cursor.execute(
        "select epoch, state, lease_expires_at > clock_timestamp() as in_time from runs"
        " where run_id = %s for share",
        [lease.run_id],
    ).fetchone()
    if row is None or row["epoch"] != lease.epoch or row["state"] != "RUNNING":
        found = "gone" if row is None else row["state"]
        raise LeaseLost(f"run {lease.run_id} (epoch {lease.epoch}) is {found}; stop working on it")
    if not row["in_time"]:
        raise LeaseLost(
            f"the lease of run {lease.run_id} (epoch {lease.epoch}) ran out; stop working on it"
        )


def status_of(job: Row) -> Status:
    """The part of a job's row that the lifecycle looks at."""
    return Status(
        state=JobState(job["state"]),
        max_attempts=job["max_attempts"],
        retry_base_s=job["spec"]["retry_base_s"],
        attempts=job["attempts"],
        epoch=job["epoch"],
    )


def transition(
    cursor: Cursor,
    job: Row,
    event: JobEvent,
    *,
    scheduler_id: str = "",
    lease_s: float = 0.0,
    exit_code: int | None = None,
) -> Lease | None:
    """Apply one event to a locked job and write all its effects.

    Args:
        job: a row from `lock_job`, locked by this transaction.
        scheduler_id, lease_s: the claiming scheduler and the length of its lease; for `Claimed`
            only.
        exit_code: how the run's process ended, if it did.

    Returns:
        The lease of a run that was started.

    Raises:
        InvalidTransition: the event cannot happen in the job's state; nothing was written.
    """
    outcome = apply(status_of(job), event)
    if not outcome.effects:
        return None
    run_id = _running_run(cursor, job["job_id"])
    lease = None
    _write_job(cursor, job["job_id"], outcome.status)
    for effect in outcome.effects:
        match effect:
            case StartRun(epoch, attempt):
                lease = Lease(job["job_id"], uuid4(), epoch)
                run_id = lease.run_id
                _insert_run(cursor, lease, attempt, scheduler_id, lease_s)
            case EndRun(state, reason):
                cursor.execute(
                    "update runs set state = %s, reason = %s, exit_code = %s,"
                    " finished_at = clock_timestamp() where run_id = %s and state = 'RUNNING'",
                    [state, reason, exit_code, run_id],
                )
            case Requeue(delay_s):
                cursor.execute(
                    "update jobs set next_attempt_at = clock_timestamp() + %s * interval '1 second'"
                    " where job_id = %s",
                    [delay_s, job["job_id"]],
                )
            case Record(kind, payload):
                record(cursor, job["job_id"], run_id, kind, payload)
    return lease


def record(cursor: Cursor, job_id: UUID, run_id: UUID | None, kind: str, payload: Any) -> None:
    """Append an event to the history, in the caller's transaction."""
    cursor.execute(
        "insert into events (job_id, run_id, at, type, payload)"
        " values (%s, %s, clock_timestamp(), %s, %s)",
        [job_id, run_id, kind, Jsonb(payload)],
    )


def _running_run(cursor: Cursor, job_id: UUID) -> UUID | None:
    row = cursor.execute(
        "select run_id from runs where job_id = %s and state = 'RUNNING' for no key update",
        [job_id],
    ).fetchone()
    return None if row is None else row["run_id"]


def _write_job(cursor: Cursor, job_id: UUID, status: Status) -> None:
    cursor.execute(
        "update jobs set state = %s, attempts = %s, epoch = %s, updated_at = clock_timestamp(),"
        " finished_at = case when %s then clock_timestamp() end where job_id = %s",
        [status.state, status.attempts, status.epoch, status.state.terminal, job_id],
    )


def _insert_run(
    cursor: Cursor, lease: Lease, attempt: int, scheduler_id: str, lease_s: float
) -> None:
    cursor.execute(
        "insert into runs (run_id, job_id, epoch, attempt, state, scheduler_id, started_at,"
        " lease_expires_at) values (%s, %s, %s, %s, 'RUNNING', %s, clock_timestamp(),"
        " clock_timestamp() + %s * interval '1 second')",
        [lease.run_id, lease.job_id, lease.epoch, attempt, scheduler_id, lease_s],
    )
