"""Keeps the parts of a service alive: one watching thread a part, decisions by `parts`.

    with Supervisor([ChildPart("relay", child, start)]) as supervisor:
        supervisor.health()

The log says when a part dies, falls silent, comes back or gives up; `health()` says since when and
why. A part that is silent is only reported: it may be slow or paused.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from veristack_lab.errors import BackendUnavailable
from veristack_lab.runtime.parts import RUNNING, Part, PartState, Restarts
from veristack_lab.runtime.supervised import Supervised

POLL_S = 0.2
PROBE_S = 3.0
"""How often a part that runs is asked whether it answers."""
JOIN_S = 5.0
"""How long a supervisor that ends waits for a start that is under way."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PartHealth:
    """The state of one part, for people and programs."""

    name: str
    state: PartState
    since: datetime
    restarts: int
    reason: str

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "name": self.name,
            "state": self.state.value,
            "since": self.since.isoformat(timespec="milliseconds"),
            "restarts": self.restarts,
            "reason": self.reason,
        }


Health = Callable[[], Sequence[PartHealth]]
"""What an HTTP face asks about the parts of its service."""


def no_parts() -> Sequence[PartHealth]:
    """The health of a service whose parts are run by others."""
    return ()


def all_up(parts: Sequence[PartHealth]) -> bool:
    """Whether every part is up."""
    return all(part.state is PartState.UP for part in parts)


class Supervisor:
    """Watches parts that are up, from `with` to its end. It does not end them.

    Args:
        supervised: the parts, each with a name of its own.
        restarts: when a dead part is started again.
        seed: decides the random pauses.
        probe_s: how often a part that runs is asked whether it answers.
    """

    def __init__(
        self,
        supervised: Sequence[Supervised],
        restarts: Restarts | None = None,
        seed: int = 0,
        probe_s: float = PROBE_S,
    ) -> None:
        self._probe_s = probe_s
        rng = random.Random(seed)
        now_s = time.monotonic()
        self._parts = [
            (each, Part(each.name, restarts or Restarts(), random.Random(rng.random()), now_s))
            for each in supervised
        ]
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._threads = [
            threading.Thread(
                target=self._watch, args=pair, name=f"watch {pair[1].name}", daemon=True
            )
            for pair in self._parts
        ]
        for thread in self._threads:
            thread.daemon = True  # a start that hangs must not keep the process alive
            thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stopping.set()
        deadline_s = time.monotonic() + JOIN_S
        for thread in self._threads:
            thread.join(max(0.0, deadline_s - time.monotonic()))

    def __repr__(self) -> str:
        return f"<Supervisor {', '.join(f'{p.name}={p.state}' for p in self.health())}>"

    def health(self) -> list[PartHealth]:
        """The state of every part."""
        now, now_s = datetime.now(UTC), time.monotonic()
        with self._lock:
            return [
                PartHealth(
                    part.name,
                    part.state,
                    now - timedelta(seconds=now_s - part.since_s),
                    part.restarts,
                    part.reason,
                )
                for _, part in self._parts
            ]

    def _watch(self, supervised: Supervised, part: Part) -> None:
        asked_s = time.monotonic()
        while not self._stopping.wait(min(POLL_S, self._probe_s)):
            if part.state is PartState.GAVE_UP:
                return
            if part.state in RUNNING and not supervised.alive:
                self._died(part, supervised.why(), outage=supervised.is_outage)
            elif part.state in RUNNING:
                if time.monotonic() - asked_s >= self._probe_s:
                    asked_s = time.monotonic()
                    self._ask(supervised, part, asked_s)
            elif part.is_due(time.monotonic()):
                self._start(supervised, part)

    def _ask(self, supervised: Supervised, part: Part, asked_s: float) -> None:
        try:
            silence = supervised.silence()
        except Exception as error:  # noqa: BLE001 - a question that fails is not answered
            silence = str(error).strip() or type(error).__name__
        if not supervised.alive or self._stopping.is_set():
            return  # why it ended is told instead
        with self._lock:
            before = part.state
            part.heard(asked_s, silence)
        if part.state is not before:
            words = f": {silence}" if silence else " again"
            _log.warning("part %s %s%s", part.name, "is silent" if silence else "answers", words)

    def _start(self, supervised: Supervised, part: Part) -> None:
        try:
            supervised.start()
        except Exception as error:  # noqa: BLE001 - whatever it is, the part is not up
            words = str(error).strip() or type(error).__name__
            outage = isinstance(error, BackendUnavailable) or supervised.is_outage
            self._died(part, f"it did not start: {words}", outage=outage)
            return
        with self._lock:
            down_s = time.monotonic() - part.since_s
            part.started(time.monotonic())
        _log.warning("part %s is up again after %.1f s", part.name, down_s)

    def _died(self, part: Part, reason: str, *, outage: bool) -> None:
        if self._stopping.is_set():
            return
        with self._lock:
            part.died(time.monotonic(), reason, outage=outage)
        if part.state is PartState.GAVE_UP:
            _log.error("part %s gave up and is not started any more: %s", part.name, part.reason)
        else:
            pause_s = max(0.0, part.due_s - time.monotonic())
            _log.warning("part %s is down: %s; next start in %.1f s", part.name, reason, pause_s)
