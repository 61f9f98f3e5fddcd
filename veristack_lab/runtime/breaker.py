"""A circuit breaker: a pure core that decides whether a dependency may be called.

Closed, calls pass. After `failures` failed calls in a row it opens, and calls are refused for
`open_s`. Then it is half open: one call, the probe, passes. If the probe succeeds the breaker
closes; if it fails, or does not come back within `probe_s`, the breaker is open again.

The caller hands in the time, of any clock that does not go backwards. A breaker has no lock: its
owner is one thread or one event loop.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from veristack_lab.errors import InvalidInput


class BreakerState(StrEnum):
    """What a breaker does with calls."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True)
class Permit:
    """A call that may be made. Hand it back with its outcome."""

    generation: int
    """Counts changes of state; a call belongs to the period in which it was asked for."""
    is_probe: bool


class Breaker:
    """One dependency's breaker.

    Args:
        failures: how many calls in a row fail before it opens.
        open_s: how long it then refuses calls.
        probe_s: how long a probe may take before another is allowed.

    Raises:
        InvalidInput: a limit is not positive.
    """

    def __init__(self, failures: int = 5, open_s: float = 5.0, probe_s: float = 30.0) -> None:
        if failures < 1 or not open_s > 0 or not probe_s > 0:
            raise InvalidInput("failures, open_s and probe_s of a breaker must be positive")
        self._limit = failures
        self._open_s = open_s
        self._probe_s = probe_s
        self._state = BreakerState.CLOSED
        self._since_s = 0.0
        self._failed = 0
        self._generation = 0

    def __repr__(self) -> str:
        return f"<Breaker {self._state} failures={self._failed}>"

    @property
    def state(self) -> BreakerState:
        """The state after the last call of `ask` or `tell`."""
        return self._state

    def left_s(self, now_s: float) -> float:
        """How long calls are still refused; 0 if one may be asked for."""
        match self._state:
            case BreakerState.CLOSED:
                return 0.0
            case BreakerState.OPEN:
                return max(0.0, self._since_s + self._open_s - now_s)
            case BreakerState.HALF_OPEN:
                return max(0.0, self._since_s + self._probe_s - now_s)

    def ask(self, now_s: float) -> Permit | None:
        """Permission for one call; None if it must not be made now."""
        if self._state is BreakerState.CLOSED:
            return Permit(self._generation, is_probe=False)
        if self.left_s(now_s) > 0:
            return None
        self._become(BreakerState.HALF_OPEN, now_s)
        return Permit(self._generation, is_probe=True)

    def tell(self, permit: Permit, now_s: float, *, success: bool) -> None:
        """Report how the call ended. The outcome of a call from an earlier state changes
        nothing."""
        if permit.generation != self._generation:
            return
        if success:
            self._failed = 0
            if self._state is BreakerState.HALF_OPEN:
                self._become(BreakerState.CLOSED, now_s)
            return
        self._failed += 1
        if self._state is BreakerState.HALF_OPEN or self._failed >= self._limit:
            self._become(BreakerState.OPEN, now_s)

    def _become(self, state: BreakerState, now_s: float) -> None:
        self._state = state
        self._since_s = now_s
        self._failed = 0
        self._generation += 1
