"""Random choices that do not depend on each other.

    choices = Choices(seed=7)
    delays = choices.stream("link", 1, 2)
    delays.between(0.001, 0.010)

A draw is a function of three things: the seed, the name of its stream and its number in the
stream. So a choice that is no longer made, because the event that asked for it was removed, shifts
only later draws of its own stream; and an event with a number of its own takes its draws from its
own row, which no other event can shift.

The arithmetic is BLAKE2b on integers, and on floats only what IEEE 754 rounds in one way: the same
draws on every platform and version of Python.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from math import frexp, isfinite
from struct import Struct
from typing import TypeVar

from veristack_lab.errors import InvalidInput

Item = TypeVar("Item")
Name = str | int

ROW = 8
"""Draws in a row."""

_WORDS = Struct("<8Q").unpack
_UNIT = 2.0**-53
_HALF_ROOT = 0.7071067811865476
_LN_2 = 0.6931471805599453
_C3, _C5, _C7, _C9, _C11, _C13, _C15, _C17, _C19 = (1.0 / power for power in range(3, 20, 2))


def unit(word: int) -> float:
    """A word of 64 random bits as a float of at least 0 and less than 1."""
    return (word >> 11) * _UNIT


def natural_log(value: float) -> float:
    """The logarithm of a positive float, by additions, multiplications and divisions alone.

    That of the C library differs in the last bit between platforms.
    """
    mantissa, exponent = frexp(value)
    if mantissa < _HALF_ROOT:
        mantissa, exponent = mantissa * 2.0, exponent - 1
    s = (mantissa - 1.0) / (mantissa + 1.0)
    q = s * s
    high = _C11 + q * (_C13 + q * (_C15 + q * (_C17 + q * _C19)))
    series = 1.0 + q * (_C3 + q * (_C5 + q * (_C7 + q * (_C9 + q * high))))
    return exponent * _LN_2 + 2.0 * s * series


class Stream:
    """The draws of one name, one after the other. A choice takes exactly one, unless it says so."""

    __slots__ = ("_loaded", "_prefix", "_words", "counter")

    def __init__(self, prefix: bytes) -> None:
        self._prefix = prefix
        self._loaded = -1
        self._words: tuple[int, ...] = ()
        self.counter = 0
        """Number of the next draw."""

    def row(self, number: int) -> tuple[int, ...]:
        """Eight words of 64 bits for the event with this number; the counter does not move.

        Row `n` and draws `8 * n` to `8 * n + 7` are the same bits: use a stream in one way only.
        """
        return _WORDS(blake2b(self._prefix + number.to_bytes(8, "little")).digest())

    def bits(self) -> int:
        """64 random bits."""
        counter = self.counter
        self.counter = counter + 1
        if counter >> 3 != self._loaded:
            self._loaded = counter >> 3
            self._words = self.row(counter >> 3)
        return self._words[counter & 7]

    def uniform(self) -> float:
        """At least 0 and less than 1."""
        return (self.bits() >> 11) * _UNIT

    def between(self, low: float, high: float) -> float:
        """A float from `low` to `high`.

        Raises:
            InvalidInput: `high` is below `low`, or one of them is no finite number.
        """
        if not (low <= high and isfinite(high - low)):
            raise InvalidInput(f"no number lies between {low} and {high}; give low <= high")
        return min(high, low + (high - low) * self.uniform())

    def number(self, low: int, high: int) -> int:
        """An integer from `low` to `high`, both included.

        Raises:
            InvalidInput: `high` is below `low`.
        """
        if high < low:
            raise InvalidInput(f"no integer lies between {low} and {high}; give low <= high")
        return low + (self.bits() * (high - low + 1) >> 64)

    def chance(self, probability: float) -> bool:
        """True with this probability; a draw is taken even if the answer is certain."""
        return self.uniform() < probability

    def pick(self, items: Sequence[Item]) -> Item:
        """One of the items.

        Raises:
            InvalidInput: there are none.
        """
        if not items:
            raise InvalidInput("nothing to pick from; give one item or more")
        return items[self.number(0, len(items) - 1)]

    def shuffled(self, items: Sequence[Item]) -> list[Item]:
        """The items in random order; takes one draw less than there are items."""
        order = list(items)
        for last in range(len(order) - 1, 0, -1):
            other = self.number(0, last)
            order[last], order[other] = order[other], order[last]
        return order

    def sample(self, items: Sequence[Item], size: int) -> list[Item]:
        """`size` different items, in the order of `items`; takes one draw for each of `items`.

        Raises:
            InvalidInput: there are fewer than `size`, or `size` is negative.
        """
        if not 0 <= size <= len(items):
            raise InvalidInput(f"{size} of {len(items)} items; give 0 to {len(items)}")
        chosen: list[Item] = []
        for place, item in enumerate(items):
            wanted = size - len(chosen)
            if self.number(1, len(items) - place) <= wanted:
                chosen.append(item)
        return chosen

    def exponential(self, mean: float) -> float:
        """A waiting time of this mean: short ones are common, long ones rare.

        Raises:
            InvalidInput: the mean is negative or not finite.
        """
        if not (mean >= 0 and isfinite(mean)):
            raise InvalidInput(f"a waiting time of mean {mean}; give a finite number of 0 or more")
        return -mean * natural_log(1.0 - self.uniform())


class Choices:
    """All streams of one seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._streams: dict[tuple[Name, ...], Stream] = {}

    def __repr__(self) -> str:
        return f"Choices(seed={self.seed})"

    def stream(self, *name: Name) -> Stream:
        """The stream of this name; asked again, the same object, which goes on where it was."""
        stream = self._streams.get(name)
        if stream is None:
            stream = self._streams[name] = Stream(_prefix(self.seed, name))
        return stream


def _prefix(seed: int, name: tuple[Name, ...]) -> bytes:
    """24 bytes that tell seed and name from all others: parts have types and lengths."""
    parts = [f"{type(part).__name__[0]}{len(str(part))}:{part}" for part in (seed, *name)]
    return blake2b("".join(parts).encode(), digest_size=24, person=b"veristack choice").digest()
