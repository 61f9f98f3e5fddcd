"""The client's side of the job database: submit, look, cancel, ask why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb

from veristack_lab.errors import IdempotencyConflict, InvalidInput, JobNotFound
from veristack_lab.veriflow import why as explanation
from veristack_lab.veriflow import workloads
from veristack_lab.veriflow.database import Cursor, Database, Row
from veristack_lab.veriflow.lifecycle import Cancelled, JobState, RunState
from veristack_lab.veriflow.migrations import drop, migrate
from veristack_lab.veriflow.records import CheckpointRow, Event, Job, Metric, Run
from veristack_lab.veriflow.spec import JobSpec, body_sha256, checked_key
from veristack_lab.veriflow.transitions import lock_job, record, transition

MAX_LISTED = 1000
SCHEDULER_SILENT_AFTER_S = 15.0


def connect(conninfo: str, *, schema: str = "veriflow", connections: int = 4) -> Flow:
    """Open the job database, making or upgrading its schema first.

    Args:
        conninfo: a libpq connection string or URL.
        schema: the schema that holds everything; made if absent.
        connections: how many connections to keep at most.

    Raises:
        InvalidInput: the schema's name cannot be used, or it is from another version.
        BackendUnavailable: the database does not answer.
    """
    migrate(conninfo, schema)
    return Flow(Database(conninfo, schema, connections))


class Flow:
    """All jobs of one schema. Thread-safe. Use as a context manager, or call `close()`."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def __repr__(self) -> str:
        return f"<Flow schema={self.database.schema}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections. Safe to call again."""
        self.database.close()

    def drop_schema(self) -> None:
        """Close, and remove the schema with everything in it."""
        self.close()
        drop(self.database.conninfo, self.database.schema)

    # ------------------------------------------------------------------ writing

    def submit(self, spec: JobSpec | Mapping[str, Any], idempotency_key: str | None = None) -> Job:
        """Put a job into the queue; at most once for each key, however often it is called.

        Commit point: the COMMIT of the transaction that inserts job and first event.

        Returns:
            The job, with `replayed` true when the key had brought it in before.

        Raises:
            InvalidInput: the spec, its workload's parameters or the key cannot be used.
            IdempotencyConflict: the key was used before with another body.
        """
        spec = JobSpec.parse(spec)
        key, digest = checked_key(idempotency_key), body_sha256(spec)
        stored = spec.model_dump(mode="json")
        stored["parameters"] = workloads.complete(spec)
        with self.database.transaction() as cursor:
            row = _insert_job(cursor, uuid4(), spec, stored, key, digest)
            if row is not None:
                record(cursor, row["job_id"], None, "JOB_SUBMITTED", {"spec": stored})
                return _job(row, ())
            row = cursor.execute("select * from jobs where idempotency_key = %s", [key]).fetchone()
            assert row is not None  # the conflict has just been seen, and jobs are never deleted
            if bytes(row["body_sha256"]) != digest:
                raise IdempotencyConflict(
                    f"the Idempotency-Key {key!r} belongs to job {row['job_id']}, which has "
                    "another body; use a new key for a new job"
                )
            return _job(row, _runs(cursor, [row["job_id"]]), replayed=True)

    def cancel(self, job_id: UUID | str) -> Job:
        """Stop a job. A running process learns of it at its scheduler's next heartbeat.

        Commit point: the COMMIT of the transaction; from it on no result of the run counts.
        Cancelling a cancelled job changes nothing.

        Raises:
            JobNotFound: there is no such job.
            InvalidTransition: the job has already succeeded or failed.
        """
        with self.database.transaction() as cursor:
            transition(cursor, lock_job(cursor, checked_id(job_id)), Cancelled())
        return self.get(job_id)

    # ------------------------------------------------------------------ reading

    def get(self, job_id: UUID | str) -> Job:
        """The job with its runs. Raises: JobNotFound."""
        with self.database.snapshot() as cursor:
            row = _find(cursor, checked_id(job_id))
            return _job(row, _runs(cursor, [row["job_id"]]))

    def list(self, state: JobState | str | None = None, limit: int = 100) -> list[Job]:
        """Jobs with their runs, newest first.

        Raises:
            InvalidInput: there is no such state, or the limit is not 1 to 1000.
        """
        if state is not None and state not in set(JobState):
            raise InvalidInput(f"there is no state {state!r}; states are {', '.join(JobState)}")
        if not 1 <= limit <= MAX_LISTED:
            raise InvalidInput(f"limit is {limit}; it must be 1 to {MAX_LISTED}")
        with self.database.snapshot() as cursor:
            rows = cursor.execute(
                "select * from jobs where %s::text is null or state = %s"
                " order by sequence desc limit %s",
                [state, state, limit],
            ).fetchall()
            runs = _runs(cursor, [row["job_id"] for row in rows])
        return [_job(row, [run for run in runs if run.job_id == row["job_id"]]) for row in rows]

    def events(self, job_id: UUID | str) -> Sequence[Event]:
        """The job's history, oldest first. Raises: JobNotFound."""
        with self.database.snapshot() as cursor:
            _find(cursor, checked_id(job_id))
            rows = cursor.execute(
                "select * from events where job_id = %s order by event_id", [job_id]
            ).fetchall()
        return [Event(**row) for row in rows]

    def metrics(self, job_id: UUID | str) -> Sequence[Metric]:
        """What the job's runs measured, by run and step. Raises: JobNotFound."""
        with self.database.snapshot() as cursor:
            _find(cursor, checked_id(job_id))
            rows = cursor.execute(
                "select run_id, epoch, step, at, measured from metrics join runs using (run_id)"
                " where metrics.job_id = %s order by epoch, step",
                [job_id],
            ).fetchall()
        return [Metric(**row) for row in rows]

    def checkpoints(self, job_id: UUID | str) -> Sequence[CheckpointRow]:
        """Checkpoints that count for the job, oldest first. Raises: JobNotFound."""
        with self.database.snapshot() as cursor:
            _find(cursor, checked_id(job_id))
            rows = cursor.execute(
                "select * from checkpoints where job_id = %s order by epoch, step", [job_id]
            ).fetchall()
        return [CheckpointRow(**row) for row in rows]

    def why(self, job_id: UUID | str) -> explanation.Why:
        """Why the job is where it is. Raises: JobNotFound."""
        with self.database.snapshot() as cursor:
            row = _find(cursor, checked_id(job_id))
            return explanation.explain(_facts(cursor, row))

    def step(self, job_id: UUID | str) -> int | None:
        """The latest step the job's running run has reported; None without one."""
        with self.database.snapshot() as cursor:
            row = cursor.execute(
                "select max(step) as step from metrics join runs using (run_id)"
                " where runs.job_id = %s and runs.state = 'RUNNING'",
                [checked_id(job_id)],
            ).fetchone()
        return None if row is None else row["step"]

    def counts(self) -> Mapping[JobState, int]:
        """How many jobs are in each state."""
        with self.database.snapshot() as cursor:
            rows = cursor.execute("select state, count(*) as jobs from jobs group by state")
            found = {row["state"]: int(row["jobs"]) for row in rows}
        return {state: found.get(state.value, 0) for state in JobState}


def checked_id(job_id: UUID | str) -> UUID:
    """The id as a UUID. Raises: InvalidInput."""
    if isinstance(job_id, UUID):
        return job_id
    try:
        return UUID(job_id)
    except ValueError as error:
        raise InvalidInput(f"{job_id!r} is not a job id; it looks like {uuid4()}") from error


def _find(cursor: Cursor, job_id: UUID) -> Row:
    row = cursor.execute("select * from jobs where job_id = %s", [job_id]).fetchone()
    if row is None:
        raise JobNotFound(f"there is no job {job_id}; `list()` lists the jobs")
    return row


def _insert_job(
    cursor: Cursor, job_id: UUID, spec: JobSpec, stored: Row, key: str | None, digest: bytes
) -> Row | None:
    """The new row, or None when the key is taken; waits for a rival that is not yet committed."""
    return cursor.execute(
        "insert into jobs (job_id, name, spec, idempotency_key, body_sha256, state, max_attempts,"
        " queue_rank, next_attempt_at, created_at, updated_at)"
        " select %s, %s, %s, %s, %s, 'QUEUED', %s, now - %s * interval '1 minute', now, now, now"
        " from clock_timestamp() as now"
        " on conflict (idempotency_key) do nothing returning *",
        [
            job_id, spec.name, Jsonb(stored), key, digest, spec.max_attempts, spec.priority,
        ],
    ).fetchone()  # fmt: skip


def _runs(cursor: Cursor, job_ids: Sequence[UUID]) -> Sequence[Run]:
    rows = cursor.execute(
        "select * from runs where job_id = any(%s) order by job_id, epoch", [[*job_ids]]
    ).fetchall()
    return [Run(**{**row, "state": RunState(row["state"])}) for row in rows]


def _job(row: Row, runs: Sequence[Run], *, replayed: bool = False) -> Job:
    return Job(
        job_id=row["job_id"],
        name=row["name"],
        spec=JobSpec.parse(row["spec"]),
        state=JobState(row["state"]),
        attempts=row["attempts"],
        max_attempts=row["max_attempts"],
        epoch=row["epoch"],
        next_attempt_at=row["next_attempt_at"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        finished_at=row["finished_at"],
        runs=tuple(runs),
        replayed=replayed,
    )


def _facts(cursor: Cursor, job: Row) -> explanation.Facts:
    row = cursor.execute(
        """
        select
            extract(epoch from %(next_attempt_at)s - clock_timestamp())::float8 as backoff_left_s,
            (select count(*) from jobs where state = 'QUEUED'
                and next_attempt_at <= clock_timestamp()
                and (queue_rank, sequence) < (%(rank)s, %(sequence)s)) as jobs_ahead,
            (select count(*) from schedulers where seen_at > clock_timestamp()
                - %(silent)s * interval '1 second') as schedulers,
            (select coalesce(sum(slots), 0) from schedulers where seen_at > clock_timestamp()
                - %(silent)s * interval '1 second')
                - (select count(*) from runs where state = 'RUNNING') as free_slots,
            (select reason from runs where job_id = %(job)s and reason is not null
                order by epoch desc limit 1) as last_reason,
            (select max(step) from checkpoints where job_id = %(job)s
                and epoch = (select max(epoch) from checkpoints where job_id = %(job)s))
                as checkpoint_step
        """,
        {
            "next_attempt_at": job["next_attempt_at"], "rank": job["queue_rank"],
            "job": job["job_id"], "sequence": job["sequence"], "silent": SCHEDULER_SILENT_AFTER_S,
        },
    ).fetchone()  # fmt: skip
    running = cursor.execute(
        "select scheduler_id, extract(epoch from lease_expires_at - clock_timestamp())::float8"
        " as lease_left_s, (select max(step) from metrics m where m.run_id = runs.run_id) as step"
        " from runs where job_id = %s and state = 'RUNNING'",
        [job["job_id"]],
    ).fetchone()
    assert row is not None  # a select of scalars always has one row
    row["free_slots"] = max(0, int(row["free_slots"]))
    return explanation.Facts(
        state=JobState(job["state"]),
        attempts=job["attempts"],
        max_attempts=job["max_attempts"],
        **row,
        **(running or {}),
    )
