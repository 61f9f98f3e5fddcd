"""Feeding documents in while a worker and the broker are killed."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from veristack_lab.errors import BackendError
from veristack_lab.runtime.processes import stretched
from veristack_lab.runtime.progress import OnProgress
from veristack_lab.smartsearch.client import Search
from veristack_lab.smartsearch.corpus import Source
from veristack_lab.smartsearch.crew import Crew

POLL_S = 0.03
OUTAGE_SHARE = 0.5
"""Share of the documents not yet offered that are offered while the broker is down."""


TENANT = "stdlib"


class Broker(Protocol):
    """A broker that may be killed; `backends.kafka` yields one."""

    bootstrap: str

    def kill(self) -> None:
        """SIGKILL."""

    def restart(self) -> None:
        """Start it again on the same port and data; returns when it answers."""


@dataclass
class Fire:
    """The state that feeder and main thread share."""

    search: Search
    sources: Sequence[Source]
    repeated: frozenset[int]
    ahead: int
    """How many documents may be accepted and unfinished at a time."""
    finished: int = 0
    accepted: int = 0
    repeats_that_differed: int = 0
    broker_down: bool = False
    pace_s: float = 0.0
    """Pause between two documents while the broker is down: the feeder waits for no worker then."""
    offered_while_down: int = 0
    accepted_while_down: int = 0
    stop: threading.Event = field(default_factory=threading.Event)
    error: Exception | None = None

    def feed(self) -> None:
        """Offer every document, some of them twice.

        While the broker answers, never too far ahead of the workers. While it is down, at an even
        pace and without looking at the workers, as clients do who know nothing of brokers.
        """
        try:
            for number, source in enumerate(self.sources):
                while self._must_wait() and not self.stop.is_set():
                    self.stop.wait(POLL_S)
                if self.broker_down:
                    self.stop.wait(self.pace_s)
                if self.stop.is_set():
                    return
                self._offer(number, source)
        except Exception as error:  # noqa: BLE001  (handed to the main thread, which raises it)
            self.error = error

    def _must_wait(self) -> bool:
        return not self.broker_down and self.accepted - self.finished >= self.ahead

    def _offer(self, number: int, source: Source) -> None:
        down = self.broker_down
        self.offered_while_down += down
        offer = (TENANT, source.request_id, source.text, source.title)
        first = self.search.ingest(*offer)
        if number in self.repeated:
            self.repeats_that_differed += self.search.ingest(*offer).id != first.id
        self.accepted += 1
        self.accepted_while_down += down


class Drill:
    """Kills at the chosen points and waits for the end."""

    def __init__(
        self,
        fire: Fire,
        crew: Crew,
        broker: Broker,
        rng: random.Random,
        on_progress: OnProgress,
        outage_s: float,
    ) -> None:
        self.outage_s = outage_s
        self.fire = fire
        self.crew = crew
        self.broker = broker
        self.events: dict[str, float] = {}
        self.victim = rng.choice(sorted(crew.workers))
        """The worker that the seed would have killed, and after the kill the one that was."""
        self.in_hand: list[str] = []
        """Request ids that the victim held a lease on when it was killed."""
        self._on_progress = on_progress
        self._began_s, self._limit_s = time.monotonic(), 90 + len(fire.sources) / 4
        self._start = self._clock()

    def run(self, kill_worker_at: int, kill_broker_at: int) -> None:
        feeder = threading.Thread(target=self.fire.feed, name="feeder", daemon=True)
        feeder.start()
        try:
            self._until(lambda: self.fire.finished >= kill_worker_at)
            self._until(lambda: self.kill_busy_worker(kill_broker_at))
            self._until(lambda: self.fire.finished >= kill_broker_at)
            self._restart_broker()
            self._until(lambda: self.fire.finished >= len(self.fire.sources))
            self._mark("all finished")
        finally:
            self.fire.stop.set()
            feeder.join()

    def kill_busy_worker(self, any_from: int) -> bool:
        """Kill the victim if it holds documents. Returns whether a worker was killed.

        Once `any_from` documents are finished, any worker that holds some will do: the victim may
        have joined the consumer group too late to get a partition before the documents end.

        Raises:
            BackendError: no document is left that a worker could hold.
        """
        if self.fire.finished >= len(self.fire.sources):
            raise BackendError(
                f"all {len(self.fire.sources)} documents were finished before a worker could be "
                "killed with one in hand; give more documents"
            )
        names = [self.victim]
        if self.fire.finished >= any_from:
            names += sorted(self.crew.workers.keys() - {self.victim})
        return any(self._kill_if_busy(name) for name in names)

    def _kill_if_busy(self, name: str) -> bool:
        """Pause a worker and look at what it holds; kill it if it holds documents, else resume
        it."""
        child = self.crew.workers[name]
        child.pause()
        with self.fire.search.database.transaction() as conn:
            rows = conn.execute(
                "SELECT request_id FROM documents WHERE status = 'PROCESSING'"
                " AND lease_owner = %s AND lease_expires_at > now()",
                (name,),
            ).fetchall()
        if not rows:
            child.resume()
            return False
        child.kill()
        self.victim, self.in_hand = name, [row["request_id"] for row in rows]
        self._mark("worker killed")
        return True

    def _restart_broker(self) -> None:
        """Kill the broker, leave it dead for `outage_s` while documents come in, start it again."""
        left = len(self.fire.sources) - self.fire.accepted
        self.fire.pace_s = self.outage_s / max(1, int(left * OUTAGE_SHARE))
        self.broker.kill()
        self._mark("broker killed")
        self.fire.broker_down = True
        ends_s = time.monotonic() + self.outage_s
        self._until(lambda: time.monotonic() >= ends_s)
        self.broker.restart()
        self.fire.broker_down = False
        self._mark("broker back")

    def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            if self.fire.error is not None:
                raise self.fire.error
            if time.monotonic() - self._began_s > stretched(self._limit_s):
                raise BackendError(
                    f"only {self.fire.finished} of {len(self.fire.sources)} documents were finished"
                    f" in time; the logs in {self.crew.folder} say why"
                )
            self._look()
            time.sleep(POLL_S)

    def _look(self) -> None:
        self.fire.finished = self.fire.search.finished(TENANT)
        self._on_progress(self.fire.finished, len(self.fire.sources))

    def _clock(self) -> float:
        with self.fire.search.database.transaction() as conn:
            row = conn.execute(
                "SELECT extract(epoch FROM clock_timestamp())::float8 AS now"
            ).fetchone()
        assert row is not None  # a SELECT without FROM always gives one row
        now: float = row["now"]
        return now

    def _mark(self, event: str) -> None:
        self.events[event] = self._clock() - self._start

    @property
    def start(self) -> float:
        """When the first document was offered, on the database's clock."""
        return self._start
