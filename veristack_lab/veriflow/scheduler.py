"""The loop that turns queued jobs into finished ones: claim, start, watch, heartbeat, finish.

Any number of schedulers may share one database; none of them is special, and each reclaims the runs
of the others that died. `step()` is one round; a crash between any two of its calls leaves a lease
that runs out, and nothing else to repair.
"""

from __future__ import annotations

import signal
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field

from veristack_lab.errors import BackendError, BackendUnavailable, InvalidInput, LeaseLost
from veristack_lab.veriflow.contract import EXIT_BAD_JOB, EXIT_DONE, EXIT_LEASE_LOST
from veristack_lab.veriflow.database import Database
from veristack_lab.veriflow.dispatch import Dispatch
from veristack_lab.veriflow.records import Claim, Lease
from veristack_lab.veriflow.runners.protocol import Exit, Runner

HEARTBEATS_PER_LEASE = 4
HEARTBEAT_AT_MOST_S = 5.0


@dataclass
class _Watched:
    """A run of this scheduler; times are seconds on the machine's monotonic clock."""

    claim: Claim
    started_s: float = field(default_factory=time.monotonic)
    confirmed_s: float = field(default_factory=time.monotonic)
    """When this scheduler was last known to hold the lease."""
    ended: Exit | None = None
    timed_out: bool = False

    @property
    def overdue(self) -> bool:
        limit = self.claim.spec.timeout_s
        return limit is not None and time.monotonic() - self.started_s > limit


class Scheduler:
    """Runs jobs of one database on one runner.

    Args:
        scheduler_id: a name that no other living scheduler has.
        slots: how many runs at a time.
        lease_s: how long others wait before they take back the runs of a silent scheduler.
        poll_s: pause between rounds that found nothing to do.
    """

    def __init__(
        self,
        database: Database,
        runner: Runner,
        scheduler_id: str,
        *,
        slots: int = 1,
        lease_s: float = 10.0,
        poll_s: float = 0.2,
    ) -> None:
        if slots < 1 or lease_s <= 0 or poll_s <= 0 or not scheduler_id:
            raise InvalidInput("a scheduler needs a name, a slot or more, and positive times")
        self._dispatch = Dispatch(database, scheduler_id, lease_s)
        self._runner = runner
        self._slots = slots
        self._lease_s = lease_s
        self._poll_s = poll_s
        self._watched: dict[Lease, _Watched] = {}
        self._next_heartbeat_s = 0.0

    def __repr__(self) -> str:
        name = self._dispatch.scheduler_id
        return f"<Scheduler {name} {len(self._watched)}/{self._slots} running>"

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop; then end our runs and give their jobs back.

        While the database is unavailable nothing is claimed; runs go on until their lease is over.
        """
        try:
            while not stop.is_set():
                try:
                    busy = self.step()
                except BackendUnavailable:
                    self._kill_unconfirmed()
                    busy = False
                if not busy:
                    stop.wait(self._poll_s)
        finally:
            self.shut_down()

    def step(self) -> bool:
        """One round. Returns whether a run was claimed or ended.

        Raises:
            BackendUnavailable: the database does not answer; the round may be repeated.
        """
        self._heartbeat_when_due()
        ended = [self._settle_if_ended(watched) for watched in list(self._watched.values())]
        self._dispatch.reclaim_expired()
        return self._claim_and_start() or any(ended)

    def shut_down(self) -> None:
        """End our runs and give their jobs back to the queue, attempts not counted.

        If the database is unavailable, the leases run out instead.
        """
        try:
            for lease in list(self._watched):
                self._runner.kill(lease)
                del self._watched[lease]
                with suppress(LeaseLost):  # another scheduler has it already: nothing to give back
                    self._dispatch.release(lease)
            self._dispatch.gone()
        except BackendUnavailable:
            for lease in list(self._watched):
                self._runner.kill(lease)
            self._watched.clear()

    def _heartbeat_when_due(self) -> None:
        now_s = time.monotonic()
        if now_s < self._next_heartbeat_s:
            return
        self._dispatch.seen(self._slots)
        lost = set(self._dispatch.heartbeat(list(self._watched)))
        for lease in lost:
            self._forget(lease)
        for watched in self._watched.values():
            watched.confirmed_s = now_s
        self._next_heartbeat_s = now_s + min(
            self._lease_s / HEARTBEATS_PER_LEASE, HEARTBEAT_AT_MOST_S
        )

    def _settle_if_ended(self, watched: _Watched) -> bool:
        """Report a run that has ended. Kept until the database has taken it, or refused it."""
        lease = watched.claim.lease
        if watched.ended is None:
            watched.ended = self._runner.poll(lease)
        if watched.ended is None and watched.overdue:
            self._runner.kill(lease)
            watched.ended, watched.timed_out = Exit(-signal.SIGKILL, ""), True
        if watched.ended is None:
            return False
        with suppress(LeaseLost):  # cancelled or taken back meanwhile: its end does not count
            self._report(watched, watched.ended)
        self._forget(lease)
        return True

    def _report(self, watched: _Watched, ended: Exit) -> None:
        lease = watched.claim.lease
        if watched.timed_out:
            reason = f"it took longer than timeout_s = {watched.claim.spec.timeout_s:g}"
            self._dispatch.fail(lease, reason, exit_code=ended.code)
        elif ended.code == EXIT_DONE:
            self._dispatch.succeed(lease)
        elif ended.code != EXIT_LEASE_LOST:
            retryable = ended.code != EXIT_BAD_JOB
            self._dispatch.fail(lease, describe(ended), retryable=retryable, exit_code=ended.code)

    def _claim_and_start(self) -> bool:
        free = self._slots - len(self._watched)
        claims = self._dispatch.claim(free) if free else []
        for claim in claims:
            try:
                self._runner.start(claim)
            except BackendError as error:
                with suppress(LeaseLost):
                    self._dispatch.fail(claim.lease, f"the run could not be started: {error}")
            else:
                self._watched[claim.lease] = _Watched(claim)
        return bool(claims)

    def _kill_unconfirmed(self) -> None:
        """End runs whose lease must be over, since no heartbeat has reached the database for so
        long."""
        now_s = time.monotonic()
        for lease, watched in list(self._watched.items()):
            if now_s - watched.confirmed_s > self._lease_s:
                self._forget(lease)

    def _forget(self, lease: Lease) -> None:
        self._runner.kill(lease)
        del self._watched[lease]


def describe(ended: Exit) -> str:
    """A run's end in one line, for people."""
    if ended.code < 0:
        try:
            return f"killed by {signal.Signals(-ended.code).name}"
        except ValueError:
            return f"killed by signal {-ended.code}"
    last = ended.tail.splitlines()[-1:] or ["no output"]
    return f"exit code {ended.code}: {last[0][:300]}"
