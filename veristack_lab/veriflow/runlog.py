"""What a run's own process writes into the database while it works.

Every write is guarded by the lease in the same transaction: a run that lost it, because its
scheduler stood still or the job was cancelled, can no longer change anything and gets `LeaseLost`.
Commit point of each call: the COMMIT of its transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from veristack_lab.errors import LeaseLost
from veristack_lab.veriflow.database import Database
from veristack_lab.veriflow.records import CheckpointRow, Lease
from veristack_lab.veriflow.spec import JobSpec
from veristack_lab.veriflow.transitions import record, require_lease


class RunLog:
    """The run's side of the job database. Every method raises `LeaseLost` after a loss."""

    def __init__(self, database: Database, lease: Lease) -> None:
        self._database = database
        self.lease = lease

    @classmethod
    def find(cls, database: Database, run_id: UUID, epoch: int) -> tuple[RunLog, JobSpec]:
        """The log of a run that is about to work, and what it has to do.

        Raises:
            LeaseLost: there is no such run with this epoch.
        """
        with database.transaction() as cursor:
            row = cursor.execute(
                "select job_id, spec from runs join jobs using (job_id)"
                " where run_id = %s and runs.epoch = %s",
                [run_id, epoch],
            ).fetchone()
        if row is None:
            raise LeaseLost(f"there is no run {run_id} with epoch {epoch}")
        return cls(database, Lease(row["job_id"], run_id, epoch)), JobSpec.parse(row["spec"])

    def started(self, host: str, pid: int) -> None:
        """Record which process does the work."""
        with self._database.transaction() as cursor:
            require_lease(cursor, self.lease)
            cursor.execute(
                "update runs set host = %s, pid = %s where run_id = %s",
                [host, pid, self.lease.run_id],
            )
            payload = {"host": host, "pid": pid, "epoch": self.lease.epoch}
            record(cursor, self.lease.job_id, self.lease.run_id, "RUN_STARTED", payload)

    def event(self, kind: str, payload: Mapping[str, Any]) -> None:
        """Append an event to the job's history."""
        with self._database.transaction() as cursor:
            require_lease(cursor, self.lease)
            record(cursor, self.lease.job_id, self.lease.run_id, kind, dict(payload))

    def metrics(self, step: int, measured: Mapping[str, float]) -> None:
        """What was measured at a step; a second report of the same step changes nothing."""
        with self._database.transaction() as cursor:
            require_lease(cursor, self.lease)
            cursor.execute(
                "insert into metrics (run_id, job_id, step, at, measured)"
                " values (%s, %s, %s, clock_timestamp(), %s) on conflict do nothing",
                [self.lease.run_id, self.lease.job_id, step, Jsonb(dict(measured))],
            )

    def checkpoint(self, step: int, object_key: str, sha256: str, size_bytes: int) -> None:
        """Make a saved checkpoint count for the job: later runs may resume from it."""
        with self._database.transaction() as cursor:
            require_lease(cursor, self.lease)
            cursor.execute(
                "insert into checkpoints values (%s, %s, %s, %s, %s, %s, %s, clock_timestamp())",
                [
                    self.lease.job_id, self.lease.epoch, step, self.lease.run_id,
                    object_key, sha256, size_bytes,
                ],
            )  # fmt: skip
            payload = {"step": step, "sha256": sha256, "size_bytes": size_bytes}
            record(cursor, self.lease.job_id, self.lease.run_id, "CHECKPOINT_SAVED", payload)

    def accepted_checkpoints(self) -> list[CheckpointRow]:
        """Checkpoints of this job that count, newest first: by epoch, then by step."""
        with self._database.transaction() as cursor:
            rows = cursor.execute(
                "select * from checkpoints where job_id = %s order by epoch desc, step desc",
                [self.lease.job_id],
            ).fetchall()
        return [CheckpointRow(**row) for row in rows]

    def result(self, result: Mapping[str, Any]) -> None:
        """Record the result. The job succeeds when the process then exits with code 0."""
        with self._database.transaction() as cursor:
            require_lease(cursor, self.lease)
            cursor.execute(
                "update runs set result = %s where run_id = %s",
                [Jsonb(dict(result)), self.lease.run_id],
            )
