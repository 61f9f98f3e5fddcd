"""What a kill switch shows: immutable values, and the pure rules by which they change."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from veristack_lab.widgets.counters import Counters
from veristack_lab.widgets.targets import Verb

State = Literal["alive", "paused", "dead", "restarting"]

LOG_LINES = 60
"""How many lines of the text log are kept."""


@dataclass(frozen=True)
class TargetView:
    """One target as it was a moment ago."""

    name: str
    state: State
    pid: int | None
    verbs: tuple[Verb, ...]
    served: int | None = None
    """Requests answered, or None if they are not counted."""
    failed: int | None = None
    deaths: int = 0
    """How often it died while it was watched."""


@dataclass(frozen=True)
class LogLine:
    """One thing that happened. Numbers only grow, so that a display can add what is new."""

    number: int
    at_s: float
    """Seconds since the view was opened."""
    text: str


@dataclass(frozen=True)
class Snapshot:
    """What a kill switch shows, at one moment."""

    targets: tuple[TargetView, ...]
    log: tuple[LogLine, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """A fresh dictionary of plain JSON values, lists and not tuples, as a display gets it."""
        values: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return values

    def target(self, name: str) -> TargetView:
        """The view of one target, which must exist."""
        return next(target for target in self.targets if target.name == name)


def log(snapshot: Snapshot, at_s: float, text: str) -> Snapshot:
    """Append one line, and forget the oldest beyond the bound."""
    number = snapshot.log[-1].number + 1 if snapshot.log else 1
    lines = (*snapshot.log, LogLine(number, round(at_s, 3), text))
    return replace(snapshot, log=lines[-LOG_LINES:])


def put_target(snapshot: Snapshot, view: TargetView) -> Snapshot:
    """Replace the view of the target of this name."""
    targets = tuple(view if old.name == view.name else old for old in snapshot.targets)
    return replace(snapshot, targets=targets)


def count(snapshot: Snapshot, counters: Mapping[str, Counters]) -> Snapshot:
    """Take over counters; a target that is not counted keeps what it had."""
    for view in snapshot.targets:
        seen = counters.get(view.name)
        if seen is not None:
            snapshot = put_target(snapshot, replace(view, served=seen.served, failed=seen.failed))
    return snapshot


def see(snapshot: Snapshot, seen: TargetView, at_s: float, *, asked: bool) -> Snapshot:
    """Take over what was observed of one target.

    An unrequested death or new process is written to the log here; a requested one is written there
    by the command.
    """
    old = snapshot.target(seen.name)
    died = old.state != "dead" and (seen.state == "dead" or seen.pid != old.pid)
    view = replace(old, state=seen.state, pid=seen.pid, deaths=old.deaths + died)
    snapshot = put_target(snapshot, view)
    if asked or view.state == old.state:
        return snapshot
    return log(snapshot, at_s, f"{view.name} is {view.state}, without being told to")
