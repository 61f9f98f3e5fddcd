"""Many pairs of bytes as two columns: measured, then copied behind a head.

To go through a list of pairs, ask every item for its type and its length and join all of them
takes Python about 100 ns a pair, more than a disk takes to write it. The machine code reads the
objects where they lie, in a tenth of that.
"""

from __future__ import annotations

import functools
from operator import countOf
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from veristack_lab.errors import InvalidInput
from veristack_lab.kernels._jit import native_budget

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

Pair = tuple[bytes, bytes]

SMALL_LIST = 8
"""Up to so many pairs plain Python is quicker."""
PAIR_UNITS = 2
"""What Python's handling of one pair costs, in the units of `NATIVE_PRICE_UNITS`."""
_CHANGED = "the list of pairs was changed after it was measured"


class Column(NamedTuple):
    """The lengths of the keys, or of the values, of one list of pairs."""

    lengths: Sequence[int] | npt.NDArray[np.int64]
    """One each, in the order of the list."""
    size_bytes: int
    """All together."""
    shortest: int
    longest: int


class Measured(NamedTuple):
    """What `measure` found, and `fill` needs."""

    keys: Column
    values: Column

    @property
    def size_bytes(self) -> int:
        """Keys and values together."""
        return self.keys.size_bytes + self.values.size_bytes


def measure(pairs: list[Pair]) -> Measured | None:
    """The lengths of keys and values, if everything is what it should be.

    Args:
        pairs: of at least one pair; a list that nobody else changes until `fill` is done.

    Returns:
        None if something in the list is no tuple of two bytes objects, or is of a subclass.
    """
    if len(pairs) > SMALL_LIST and native_budget.pays(PAIR_UNITS * len(pairs)):
        native = _native()
        if native.KNOWS_OBJECTS:
            lengths, facts = np.empty((2, len(pairs)), np.int64), np.empty((2, 3), np.int64)
            if not native.measure(id(pairs), id(tuple), id(bytes), lengths, facts):
                return None
            keys, values = facts.tolist()
            return Measured(Column(lengths[0], *keys), Column(lengths[1], *values))
    return _measure_in_python(pairs)


def fill(head: bytes, pairs: list[Pair], measured: Measured) -> bytes:
    """The head, then all keys, then all values.

    Args:
        head: what stands first.
        pairs, measured: what `measure` was given, and what it made of it.

    Raises:
        InvalidInput: the list was changed in between, and they do not fit any more.
    """
    if len(pairs) > SMALL_LIST and native_budget.pays(PAIR_UNITS * len(pairs)):
        native = _native()
        if native.KNOWS_OBJECTS:
            # Filled before anybody has seen it, as the C API fills a new bytes object.
            filled = bytes(len(head) + measured.size_bytes)
            middle = len(head) + measured.keys.size_bytes
            addresses = id(pairs), id(tuple), id(bytes), id(head), id(filled)
            if not native.fill(*addresses, middle):
                raise InvalidInput(_CHANGED)
            return filled
    return _fill_in_python(head, pairs, measured)


def _measure_in_python(pairs: list[Pair]) -> Measured | None:
    count = len(pairs)
    if countOf(map(type, pairs), tuple) != count or countOf(map(len, pairs), 2) != count:
        return None
    keys, values = [key for key, _ in pairs], [value for _, value in pairs]
    if not countOf(map(type, keys), bytes) == countOf(map(type, values), bytes) == count:
        return None
    return Measured(_measure_column(keys), _measure_column(values))


def _measure_column(items: list[bytes]) -> Column:
    lengths = list(map(len, items))
    return Column(lengths, sum(lengths), min(lengths), max(lengths))


def _fill_in_python(head: bytes, pairs: list[Pair], measured: Measured) -> bytes:
    try:
        keys = b"".join([key for key, _ in pairs])
        values = b"".join([value for _, value in pairs])
    except (TypeError, ValueError) as error:
        raise InvalidInput(_CHANGED) from error
    if len(keys) != measured.keys.size_bytes or len(values) != measured.values.size_bytes:
        raise InvalidInput(_CHANGED)
    return b"".join((head, keys, values))


@functools.cache
def _native() -> ModuleType:
    from veristack_lab.kernels import _pairs_native

    return _pairs_native
