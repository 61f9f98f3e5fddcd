"""Many pairs of bytes as two columns: measured, then copied after a head.

To go through a thousand pairs, ask every item for its type and its length and join all of them
takes Python longer than a disk takes to write them. The machine code reads the objects where
they lie, in a fifth of that. Only tuples and bytes are given to it: those never change, so what
was once read of them holds as long as they are kept.
"""

from __future__ import annotations

import functools
from operator import countOf
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from veristack_lab.kernels._jit import native_budget

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

Pair = tuple[bytes, bytes]

SMALL_BATCH = 8
"""Up to this many pairs, plain Python is faster."""
PAIR_UNITS = 4
"""What Python's handling of one pair costs, in the units of `NATIVE_PRICE_UNITS`."""


class Column(NamedTuple):
    """The lengths of all keys, or of all values."""

    lengths: Sequence[int] | npt.NDArray[np.int64]
    """One each, in their order."""
    size_bytes: int
    """All together."""
    shortest: int
    longest: int


class Measured(NamedTuple):
    """Pairs, and what `measure` found out about them. Keeps them alive."""

    pairs: tuple[Pair, ...]
    keys: Column
    values: Column
    places: npt.NDArray[np.int64] | None
    """Shape (2, n): where the bytes of the keys and of the values lie in memory, if known."""

    @property
    def size_bytes(self) -> int:
        """Keys and values together."""
        return self.keys.size_bytes + self.values.size_bytes


def measure(pairs: tuple[Pair, ...]) -> Measured | None:
    """The lengths of keys and values, if all elements are pairs of bytes.

    Args:
        pairs: at least one.

    Returns:
        None if an element is not a tuple of two bytes objects, or is of a subclass.
    """
    if len(pairs) > SMALL_BATCH and native_budget.pays(PAIR_UNITS * len(pairs)):
        native = _native()
        if native.KNOWS_OBJECTS:
            lengths, places = np.empty((2, 2, len(pairs)), np.int64)
            facts = np.empty((2, 3), np.int64)
            if not native.measure(id(pairs), id(tuple), id(bytes), lengths, places, facts):
                return None
            keys, values = facts.tolist()
            columns = Column(lengths[0], *keys), Column(lengths[1], *values)
            return Measured(pairs, *columns, places)
    return _measure_in_python(pairs)


def fill(head: bytes, measured: Measured) -> bytes:
    """The head, then all keys, then all values."""
    pairs, keys, values, places = measured
    if places is None:
        return b"".join((head, *[key for key, _ in pairs], *[value for _, value in pairs]))
    # Filled before any other code sees it, as the C API fills a new bytes object.
    filled = bytes(len(head) + keys.size_bytes + values.size_bytes)
    _native().fill(id(head), places, keys.lengths, values.lengths, id(filled))
    return filled


def _measure_in_python(pairs: tuple[Pair, ...]) -> Measured | None:
    count = len(pairs)
    if countOf(map(type, pairs), tuple) != count or countOf(map(len, pairs), 2) != count:
        return None
    keys, values = [key for key, _ in pairs], [value for _, value in pairs]
    if not countOf(map(type, keys), bytes) == countOf(map(type, values), bytes) == count:
        return None
    return Measured(pairs, _measure_column(keys), _measure_column(values), None)


def _measure_column(items: list[bytes]) -> Column:
    lengths = list(map(len, items))
    return Column(lengths, sum(lengths), min(lengths), max(lengths))


@functools.cache
def _native() -> ModuleType:
    from veristack_lab.kernels import _pairs_native

    return _pairs_native
