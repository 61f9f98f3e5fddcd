"""Time that stands still until a caller moves it, and what nodes of a world believe it is.

A node sees the world's time through a `NodeClock`: its oscillator is fast or slow (drift), its time
of day is off (skew) and can be set (jump). Its timers (`NodeTimers`) count its own time.
"""

from __future__ import annotations

from collections.abc import Hashable
from math import inf, isfinite, nextafter
from typing import NamedTuple

from veristack_lab.errors import InvalidInput
from veristack_lab.sim.world import Guest, Scheduled, World

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


class NodeClock:
    """The clock of one node. Implements `runtime.clock.Clock`.

    Its monotonic time never goes back, whatever is done to it. Its time of day may.

    Args:
        world: whose time it sees.
        rate: seconds of its own for each second of the world; 1.0 is right.
        skew_s: how far its time of day is ahead.
        start_s: what its monotonic time is now.
    """

    def __init__(
        self, world: World, rate: float = 1.0, skew_s: float = 0.0, start_s: float = 0.0
    ) -> None:
        self._world = world
        self._then_s = world.now_s
        """Moment of the world at which the rate was set."""
        self._own_s = start_s
        self._start_s = start_s
        self._rate = _checked_rate(rate)
        self._skew_s = _checked_jump(skew_s)

    def __repr__(self) -> str:
        return f"NodeClock({self.monotonic_s():g} s, rate {self._rate:g}, skew {self._skew_s:g} s)"

    @property
    def rate(self) -> float:
        """Seconds of its own for each second of the world."""
        return self._rate

    def now_ms(self) -> int:
        """Milliseconds since 1970, as the node believes."""
        elapsed_s = self.monotonic_s() - self._start_s + self._skew_s
        return EPOCH_MS + int(elapsed_s * 1000)

    def monotonic_s(self) -> float:
        """Seconds of its own; never goes back."""
        return self._own_s + (self._world.now_s - self._then_s) * self._rate

    def jump(self, seconds: float) -> None:
        """Set the time of day forward or back; monotonic time does not notice.

        Raises:
            InvalidInput: by no finite number.
        """
        self._skew_s += _checked_jump(seconds)

    def drift(self, rate: float) -> None:
        """Let it run at another rate from now on. Timers must hear of it: see `NodeTimers.drift`.

        Raises:
            InvalidInput: the rate is not a positive finite number.
        """
        _checked_rate(rate)
        self._own_s, self._then_s = self.monotonic_s(), self._world.now_s
        self._rate = rate

    def moment_of(self, own_s: float) -> float:
        """The first moment of the world at which `monotonic_s` is `own_s` or more; now, if past."""
        moment_s = max(self._world.now_s, self._then_s + (own_s - self._own_s) / self._rate)
        while self._own_s + (moment_s - self._then_s) * self._rate < own_s:
            moment_s = nextafter(moment_s, inf)  # rounding: once or twice
        return moment_s


class TimerDue(NamedTuple):
    """A timer of a node rings."""

    key: Hashable


class NodeTimers:
    """Timers of one node, in its own time. Each rings once, unless it is set again.

    Args:
        world: where they wait.
        clock: whose time they count.
        guest: what is given `TimerDue(key)`.
        most: how many different keys there may be.
    """

    def __init__(self, world: World, clock: NodeClock, guest: Guest, most: int = 1_000) -> None:
        self._world, self._guest, self._most = world, guest, most
        self.clock = clock
        """Whose time they count."""
        self._timers: dict[Hashable, Scheduled] = {}
        self._own_s: dict[Hashable, float] = {}

    def set(self, key: Hashable, delay_s: float) -> None:
        """Let it ring in `delay_s` seconds of the node's time, and not when it was to ring before.

        Raises:
            InvalidInput: the delay is negative or not finite, or there are too many timers.
        """
        if not 0 <= delay_s < inf:
            raise InvalidInput(f"a timer cannot ring in {delay_s} s; give 0 or more")
        timer = self._timers.get(key)
        if timer is None:
            if len(self._timers) >= self._most:
                raise InvalidInput(
                    f"{self._most} timers are the most; give one key to each purpose"
                )
            timer = self._timers[key] = Scheduled(self._guest, TimerDue(key))
        own_s = self._own_s[key] = self.clock.monotonic_s() + delay_s
        self._world.move(timer, self.clock.moment_of(own_s))

    def stop(self, key: Hashable) -> None:
        """Let it not ring; no matter whether it was set."""
        timer = self._timers.get(key)
        if timer is not None:
            self._world.cancel(timer)

    def clear(self) -> None:
        """Let none ring, and forget all."""
        for timer in self._timers.values():
            self._world.cancel(timer)
        self._timers.clear()
        self._own_s.clear()

    def drift(self, rate: float) -> None:
        """Change the rate of the clock; what waits rings when the node's own time has come."""
        self.clock.drift(rate)
        for key, timer in self._timers.items():
            if timer.waits:
                self._world.move(timer, self.clock.moment_of(self._own_s[key]))

    def waiting(self) -> dict[Hashable, float]:
        """When each timer that waits will ring, in the node's own time."""
        return {key: self._own_s[key] for key, timer in self._timers.items() if timer.waits}


def _checked_rate(rate: float) -> float:
    if not 0 < rate < inf:
        raise InvalidInput(f"a clock cannot run at rate {rate}; give a positive number, as 1.001")
    return rate


def _checked_jump(seconds: float) -> float:
    if not isfinite(seconds):
        raise InvalidInput(f"a clock cannot be set by {seconds} s; give a finite number")
    return seconds
