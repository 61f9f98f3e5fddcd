"""What a scheduler does to the database: claim, heartbeat, finish, release, reclaim.

Each call is one transaction; its COMMIT is the commit point of everything it did. Between any
two calls a scheduler may die: the leases of its runs are then not extended, and any
other scheduler's `reclaim_expired` puts their jobs back into the queue. SKIP LOCKED keeps two
schedulers from one job, and the unique index on running runs would refuse it a second time. A
lease names its run, every claim starts a new run, and one that has ended never runs again: so a
late report of the first scheduler fails. (The epoch orders a job's runs, for its checkpoints.)
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from veristack_lab.veriflow.database import Database
from veristack_lab.veriflow.lifecycle import (
    Claimed,
    Failed,
    LeaseExpired,
    Released,
    Succeeded,
)
from veristack_lab.veriflow.records import Claim, Lease
from veristack_lab.veriflow.spec import JobSpec
from veristack_lab.veriflow.transitions import lock_job, require_lease, transition

NO_RESULT = "the process exited with code 0 but had recorded no result"


class Dispatch:
    """The scheduler's side of the job database."""

    def __init__(self, database: Database, scheduler_id: str, lease_s: float) -> None:
        self._database = database
        self.scheduler_id = scheduler_id
        self.lease_s = lease_s

    def claim(self, limit: int = 1) -> list[Claim]:
        """Take up to `limit` jobs that may run now, in queue order.

        The order is (time of submission minus one minute for each point of priority, sequence
        of submission): fixed at submission, so no stream of important jobs can hold a less
        important one back for ever.
        """
        claims = []
        with self._database.transaction() as cursor:
            rows = cursor.execute(
                "select * from jobs where state = 'QUEUED' and next_attempt_at <= clock_timestamp()"
                " order by queue_rank, sequence limit %s for no key update skip locked",
                [limit],
            ).fetchall()
            for row in rows:
                lease = transition(
                    cursor, row, Claimed(), scheduler_id=self.scheduler_id, lease_s=self.lease_s
                )
                assert lease is not None  # Claimed always starts a run
                spec = JobSpec.parse(row["spec"])
                claims.append(Claim(lease, spec, row["attempts"] + 1))
        return claims

    def heartbeat(self, leases: Sequence[Lease]) -> list[Lease]:
        """Extend the leases; return the lost ones, which could not be extended."""
        if not leases:
            return []
        with self._database.transaction() as cursor:
            rows = cursor.execute(
                "update runs set lease_expires_at = clock_timestamp() + %s * interval '1 second'"
                " where run_id = any(%s) and state = 'RUNNING'"
                " and lease_expires_at > clock_timestamp() returning run_id",
                [self.lease_s, [lease.run_id for lease in leases]],
            ).fetchall()
        held = {row["run_id"] for row in rows}
        return [lease for lease in leases if lease.run_id not in held]

    def succeed(self, lease: Lease) -> None:
        """The run's process exited with code 0.

        Without a recorded result the run has still failed: success is never inferred.

        Raises:
            LeaseLost: this scheduler no longer owns the run; nothing was written.
        """
        with self._database.transaction() as cursor:
            job = lock_job(cursor, lease.job_id)
            require_lease(cursor, lease)
            row = cursor.execute(
                "select result is not null as recorded from runs where run_id = %s", [lease.run_id]
            ).fetchone()
            assert row is not None  # require_lease has seen and locked it
            event = Succeeded() if row["recorded"] else Failed(NO_RESULT)
            transition(cursor, job, event, exit_code=0)

    def fail(
        self, lease: Lease, reason: str, *, retryable: bool = True, exit_code: int | None = None
    ) -> None:
        """The run's process ended badly, or could not be started.

        Raises:
            LeaseLost: this scheduler no longer owns the run; nothing was written.
        """
        with self._database.transaction() as cursor:
            job = lock_job(cursor, lease.job_id)
            require_lease(cursor, lease)
            transition(cursor, job, Failed(reason, retryable), exit_code=exit_code)

    def release(self, lease: Lease) -> None:
        """Give the job back because this scheduler ends; the attempt does not count.

        Raises:
            LeaseLost: this scheduler no longer owns the run; nothing was written.
        """
        with self._database.transaction() as cursor:
            job = lock_job(cursor, lease.job_id)
            require_lease(cursor, lease)
            transition(cursor, job, Released())

    def reclaim_expired(self, limit: int = 100) -> list[UUID]:
        """End runs whose lease is over, of any scheduler, and requeue or fail their jobs.

        Any number of schedulers may do this at once. A heartbeat that comes first wins.

        Returns:
            The jobs that were taken back.
        """
        with self._database.transaction() as cursor:
            rows = cursor.execute(
                "select j.*, r.run_id from jobs j join runs r using (job_id)"
                " where r.state = 'RUNNING' and r.lease_expires_at <= clock_timestamp()"
                " order by r.lease_expires_at, j.job_id limit %s"
                " for no key update of j, r skip locked",
                [limit],
            ).fetchall()
            for row in rows:
                transition(cursor, row, LeaseExpired())
        return [row["job_id"] for row in rows]

    def seen(self, slots: int) -> None:
        """Record that this scheduler is alive, for `why` and for people."""
        with self._database.transaction() as cursor:
            cursor.execute(
                "insert into schedulers values (%s, %s, clock_timestamp(), clock_timestamp())"
                " on conflict (scheduler_id) do update set seen_at = clock_timestamp(),"
                " slots = excluded.slots",
                [self.scheduler_id, slots],
            )

    def gone(self) -> None:
        """Record that this scheduler has shut down cleanly."""
        with self._database.transaction() as cursor:
            cursor.execute("delete from schedulers where scheduler_id = %s", [self.scheduler_id])
