"""A request on its way through the gateway, and each of its attempts."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from veristack_lab.llmcache.decisions import Decision
from veristack_lab.llmcache.engines import Prepared


@dataclass
class Attempt:
    """One try of one request on one node, for the log."""

    sequence: int
    request: int
    """Numbers requests; several attempts of one request share it."""
    model: str
    session_id: str | None
    decision: Decision
    outcome: str = "running"
    cached_tokens: int | None = None
    """Tokens that the engine itself reports as reused."""

    def as_json(self) -> dict[str, Any]:
        """The attempt as plain values, its explanation included."""
        return {
            "sequence": self.sequence,
            "request": self.request,
            "model": self.model,
            "session_id": self.session_id,
            **self.decision.as_json(),
            "outcome": self.outcome,
            "cached_tokens": self.cached_tokens,
            "explanation": self.decision.explain(),
        }


@dataclass
class Job:
    """A request on its way: what it is, and what happened to it so far."""

    number: int
    model: str
    session_id: str | None = None
    excluded: set[str] = field(default_factory=set)
    started_ns: int = field(default_factory=time.monotonic_ns)
    waited_ns: int = 0
    """How long it waited for room on a node."""
    begun_ns: int = 0
    """When an engine was put to work."""
    prompt: Prepared | None = None

    @property
    def total_ns(self) -> int:
        """Seconds since it arrived."""
        return time.monotonic_ns() - self.started_ns

    @property
    def load_ns(self) -> int:
        """Time from arrival until an engine began, without the wait for room."""
        return self.begun_ns - self.started_ns - self.waited_ns
