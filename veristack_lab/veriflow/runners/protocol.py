"""What a scheduler needs from a place where runs execute."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from veristack_lab.veriflow.records import Claim, Lease


@dataclass(frozen=True)
class Exit:
    """How a run's process ended."""

    code: int
    """The exit code; negative for a signal."""
    tail: str
    """The end of its output."""


class Runner(Protocol):
    """Starts runs, tells when they have ended, and ends them."""

    def start(self, claim: Claim) -> None:
        """Begin the run and return at once. Raises `BackendError` when it cannot begin."""
        ...

    def poll(self, lease: Lease) -> Exit | None:
        """How the run ended; None while it works. An ended run is reported once, then forgotten."""
        ...

    def kill(self, lease: Lease) -> None:
        """End the run at once, and forget it. Does nothing for a run that is not here."""
        ...
