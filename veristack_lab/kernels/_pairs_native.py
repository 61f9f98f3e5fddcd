"""Going through a tuple of pairs of bytes as machine code, where the objects lie in memory.

Importing this module imports numba. An object is given by its address, `id`, and is kept alive
by the caller; tuples and bytes never change, and the GIL is held. Their layout is the one that C
extensions are compiled with: a count of references, the type, the number of items, and then the
items themselves. `KNOWS_OBJECTS` says whether this interpreter has that layout; it was found by
looking at some objects. (An interpreter without a GIL has another.)
"""
# ruff: noqa: ARG001 -- numba gives each intrinsic and generator arguments it may not need

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sized
from typing import Any

from llvmlite import ir
from numba import types

from veristack_lab.kernels._intrinsics import intrinsic
from veristack_lab.kernels._jit import object_kernel

WORD_BYTES = ctypes.sizeof(ctypes.c_void_p)
TYPE_AT = WORD_BYTES
COUNT_AT = 2 * WORD_BYTES
ITEMS_AT = tuple.__basicsize__
BYTES_AT = bytes.__basicsize__ - 1  # the size of an empty one counts the zero at its end


def _word(address: int) -> int | None:
    return ctypes.c_void_p.from_address(address).value


def _knows(thing: Sized) -> bool:
    """Whether the type and the length of an object are at the expected places."""
    here = id(thing)
    return _word(here + TYPE_AT) == id(type(thing)) and _word(here + COUNT_AT) == len(thing)


def _knows_objects() -> bool:
    pair = bytes(range(100)), b"another"
    if not all(map(_knows, (pair, *pair))):
        return False  # so nothing that is looked at below lies outside of them
    items = [_word(id(pair) + ITEMS_AT + index * WORD_BYTES) for index in range(len(pair))]
    texts = [ctypes.string_at(id(item) + BYTES_AT, len(item)) for item in pair]
    return items == [*map(id, pair)] and texts == [*pair]


KNOWS_OBJECTS = _knows_objects()

_copy = types.ExternalFunction("memcpy", types.intp(types.intp, types.intp, types.intp))


@intrinsic
def _load(typing_context: Any, address: Any) -> tuple[Any, Callable[..., Any]]:
    """The word of memory at an address."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        word = context.get_value_type(types.intp)
        return builder.load(builder.inttoptr(args[0], word.as_pointer()))

    return types.intp(types.intp), generate


@object_kernel
def measure(
    pairs: Any, tuple_type: Any, bytes_type: Any, lengths: Any, places: Any, facts: Any
) -> bool:
    """Fill in, in a row for the keys and one for the values, lengths and where the bytes lie.

    Args:
        pairs: a tuple.
        tuple_type, bytes_type: the two types.
        lengths, places: shape (2, n) for n pairs, to be filled in.
        facts: shape (2, 3), for the sum, the least and the greatest of each row of lengths.

    Returns:
        Whether all are tuples of two bytes objects; if not, the filled-in values are undefined.
    """
    for index in range(lengths.shape[1]):
        pair = _load(pairs + ITEMS_AT + index * WORD_BYTES)
        if _load(pair + TYPE_AT) != tuple_type or _load(pair + COUNT_AT) != 2:
            return False
        for row in range(2):
            item = _load(pair + ITEMS_AT + row * WORD_BYTES)
            if _load(item + TYPE_AT) != bytes_type:
                return False
            lengths[row, index], places[row, index] = _load(item + COUNT_AT), item + BYTES_AT
    for row in range(2):
        total, least, greatest = 0, lengths[row, 0], 0
        for index in range(lengths.shape[1]):
            length = lengths[row, index]
            total += length
            least, greatest = min(least, length), max(greatest, length)
        facts[row, 0], facts[row, 1], facts[row, 2] = total, least, greatest
    return True


@object_kernel
def fill(head: Any, places: Any, key_lengths: Any, value_lengths: Any, out: Any) -> None:
    """Copy a head, all keys and all values into a bytes object that is as long as they are."""
    at, head_length = out + BYTES_AT, _load(head + COUNT_AT)
    _copy(at, head + BYTES_AT, head_length)
    at += head_length
    for index in range(key_lengths.size):
        _copy(at, places[0, index], key_lengths[index])
        at += key_lengths[index]
    for index in range(value_lengths.size):
        _copy(at, places[1, index], value_lengths[index])
        at += value_lengths[index]
