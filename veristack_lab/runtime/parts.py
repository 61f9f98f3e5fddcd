"""What happens to a part of a service that dies: a pure core, given the time and the events.

A dead part is started again after a pause that doubles. If it dies `deaths` times within `window_s`
it is not started any more: it gave up, and gives the reason. If the part itself blames an outage of
something it needs, it also pauses, but the death is not counted.

A part that runs and does not answer is `SILENT`. It is not ended or started again, because it may
only be slow or paused: a timeout is not a death. It is up again as soon as it answers.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum

from veristack_lab.runtime.backoff import Backoff
from veristack_lab.runtime.counting import counted

HISTORY = 32
"""Changes of state that a part remembers."""


class PartState(StrEnum):
    """The state of a part."""

    UP = "up"
    SILENT = "not answering"
    """It runs and does not answer. It is up again when it does."""
    DOWN = "down"
    """It died and will be started again."""
    GAVE_UP = "gave up"
    """It died too often and is not started any more."""


RUNNING = (PartState.UP, PartState.SILENT)
"""The states of a part whose process runs."""


@dataclass(frozen=True)
class Restarts:
    """When a dead part is started again, and when it is given up."""

    pause: Backoff = field(default_factory=lambda: Backoff(0.25, 30.0))
    deaths: int = 10
    window_s: float = 180.0
    steady_s: float = 30.0
    """A part that was up for at least this long begins with the shortest pause again."""


@dataclass(frozen=True)
class Change:
    """One change of a part's state."""

    at_s: float
    state: PartState
    reason: str


class Part:
    """The record of one part.

    Args:
        name: unique within its service.
        restarts: the policy.
        rng: draws the pauses.
        now_s: of a clock that does not go backwards; the part is up by then.
    """

    def __init__(self, name: str, restarts: Restarts, rng: random.Random, now_s: float) -> None:
        self.name = name
        self._policy = restarts
        self._rng = rng
        self._deaths: deque[float] = deque(maxlen=restarts.deaths)
        self._failed_starts = 0
        self.due_s = now_s
        """When a part that is down should be started."""
        self.restarts = 0
        """How often it was started again."""
        self.history: deque[Change] = deque(maxlen=HISTORY)
        self.since_s = now_s
        """When it entered this state, even if starts failed since."""
        self._running_since_s = now_s
        self._change(now_s, PartState.UP, "started")

    def __repr__(self) -> str:
        return f"<Part {self.name} {self.state}>"

    @property
    def state(self) -> PartState:
        """The present state."""
        return self.history[-1].state

    @property
    def reason(self) -> str:
        """The reason for the present state."""
        return self.history[-1].reason

    def died(self, now_s: float, reason: str, *, outage: bool = False) -> None:
        """Record that the part ended, or did not come up.

        Args:
            reason: what is known about it.
            outage: something that it needs was unavailable.
        """
        if self.state in RUNNING and now_s - self._running_since_s >= self._policy.steady_s:
            self._failed_starts = 0
        self._failed_starts += 1
        if not outage:
            self._deaths.append(now_s)
        if self._is_crash_loop(now_s):
            count, window_s = self._policy.deaths, self._policy.window_s
            self._change(
                now_s,
                PartState.GAVE_UP,
                f"it died {counted(count, 'time')} within {window_s:g} s: {reason}",
            )
            return
        self.due_s = now_s + self._policy.pause.delay_s(self._failed_starts, self._rng)
        self._change(now_s, PartState.DOWN, reason)

    def started(self, now_s: float) -> None:
        """Record that the part is up again."""
        self.restarts += 1
        self._running_since_s = now_s
        self._change(now_s, PartState.UP, "started again")

    def heard(self, asked_s: float, silence: str) -> None:
        """Record whether the part, which runs, answered.

        Args:
            asked_s: when it was asked.
            silence: why it did not answer; empty if it did.
        """
        if silence and self.state is PartState.UP:
            self._change(asked_s, PartState.SILENT, silence)
        elif not silence and self.state is PartState.SILENT:
            self._change(asked_s, PartState.UP, "answers again")

    def is_due(self, now_s: float) -> bool:
        """Whether it should be started now."""
        return self.state is PartState.DOWN and now_s >= self.due_s

    def _is_crash_loop(self, now_s: float) -> bool:
        full = len(self._deaths) == self._policy.deaths
        return full and now_s - self._deaths[0] <= self._policy.window_s

    def _change(self, now_s: float, state: PartState, reason: str) -> None:
        if not self.history or self.state is not state:
            self.since_s = now_s
        self.history.append(Change(now_s, state, reason))
