"""How long things take: distributions as values.

A duration is a function of 64 random bits, so one draw decides it.
"""

from __future__ import annotations

from math import isfinite
from typing import NamedTuple, Protocol

from veristack_lab.errors import InvalidInput
from veristack_lab.sim.choices import natural_log, unit


class Delay(Protocol):
    """A distribution of durations."""

    def of(self, word: int) -> float:
        """The duration in seconds that belongs to these 64 random bits."""


class Fixed(NamedTuple):
    """Always the same."""

    seconds: float

    def of(self, word: int) -> float:  # noqa: ARG002
        return self.seconds


class Uniform(NamedTuple):
    """Anything from `low_s` to `high_s`."""

    low_s: float
    high_s: float

    def of(self, word: int) -> float:
        return self.low_s + (self.high_s - self.low_s) * unit(word)


class LongTail(NamedTuple):
    """At least `low_s`, then exponential of mean `tail_s`; never more than `most_s`."""

    low_s: float
    tail_s: float
    most_s: float

    def of(self, word: int) -> float:
        return min(self.most_s, self.low_s - self.tail_s * natural_log(1.0 - unit(word)))


def checked(delay: Delay) -> Delay:
    """The delay, if it can be used.

    Raises:
        InvalidInput: it can give a duration that is negative or not finite.
    """
    for word in (0, 2**64 - 1):
        seconds = delay.of(word)
        if not (isfinite(seconds) and seconds >= 0):
            raise InvalidInput(f"{delay!r} gives {seconds} s; durations are finite and 0 or more")
    return delay
