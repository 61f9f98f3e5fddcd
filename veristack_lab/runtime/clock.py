"""Time as a layer sees it: one protocol, so that a simulator can control it."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Where a layer asks for the time."""

    def now_ms(self) -> int:
        """Milliseconds since 1970, for people; may jump."""

    def monotonic_s(self) -> float:
        """Seconds since some moment, for durations; never goes back."""


class RealClock:
    """The clock of the machine."""

    def __repr__(self) -> str:
        return "RealClock()"

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        return time.perf_counter()
