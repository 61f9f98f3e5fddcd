"""Time that stands still until a caller moves it."""

from __future__ import annotations

from veristack_lab.errors import InvalidInput

EPOCH_MS = 1_700_000_000_000
"""Where simulated time begins by default, in milliseconds since 1970."""


class SimClock:
    """Implements `runtime.clock.Clock`. Only `advance` moves it; nothing sleeps.

    Args:
        start_ms: the time of day at the beginning, in milliseconds since 1970.
    """

    def __init__(self, start_ms: int = EPOCH_MS) -> None:
        self._start_ms = start_ms
        self._elapsed_s = 0.0

    def __repr__(self) -> str:
        return f"SimClock(+{self._elapsed_s:g} s)"

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        return self._start_ms + int(self._elapsed_s * 1000)

    def monotonic_s(self) -> float:
        """Seconds since the clock was made."""
        return self._elapsed_s

    def advance(self, seconds: float) -> None:
        """Let time pass.

        Raises:
            InvalidInput: backwards.
        """
        if seconds < 0:
            raise InvalidInput(f"time cannot go back by {-seconds:g} s; give 0 or more")
        self._elapsed_s += seconds
