"""How many requests each target served and failed, counted by their sender."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Counters:
    """Requests since the counting began, as their sender saw them."""

    served: int = 0
    failed: int = 0


Probe = Callable[[], Mapping[str, Counters]]
"""Counters by target name. It is called on a thread of its own and may block, as a request to
a paused process does: the view stays live meanwhile."""


class Tally:
    """A probe that clients feed, from any thread: `tally.served(name)`, `tally.failed(name)`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counters: dict[str, Counters] = {}

    def __call__(self) -> Mapping[str, Counters]:
        with self._lock:
            return dict(self._counters)

    def served(self, name: str) -> None:
        """One request to `name` was answered."""
        self._add(name, served=1)

    def failed(self, name: str) -> None:
        """One request to `name` was not answered, or with an error."""
        self._add(name, failed=1)

    def _add(self, name: str, *, served: int = 0, failed: int = 0) -> None:
        with self._lock:
            old = self._counters.get(name, Counters())
            self._counters[name] = Counters(old.served + served, old.failed + failed)
