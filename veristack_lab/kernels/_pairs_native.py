"""Going through a list of pairs of bytes as machine code, by Python's own C functions.

Importing this module imports numba. An object is given by its address, `id`, and is kept alive
by the caller. The functions called are of Python's stable interface and are called only where
they cannot fail, so none raises; the GIL is held, so nothing changes meanwhile. Beyond that
interface one thing is taken for granted, that the second word of an object is its type:
`KNOWS_OBJECTS` tells whether it is in this interpreter. (Not in one without a GIL.)
"""
# ruff: noqa: ARG001 -- numba gives each intrinsic and generator arguments it may not need

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types

from veristack_lab.kernels._intrinsics import intrinsic
from veristack_lab.kernels._jit import object_kernel

_TYPE_AT = ctypes.sizeof(ctypes.c_void_p)


def _knows(thing: object) -> bool:
    """Whether the type of an object stands where it is looked for."""
    return ctypes.c_void_p.from_address(id(thing) + _TYPE_AT).value == id(type(thing))


KNOWS_OBJECTS = _knows(b"") and _knows(()) and _knows([])


def _c_function(name: str, arguments: int) -> Any:
    return types.ExternalFunction(name, types.intp(*[types.intp] * arguments))


_tuple_size = _c_function("PyTuple_Size", 1)
_tuple_item = _c_function("PyTuple_GetItem", 2)
_bytes_size = _c_function("PyBytes_Size", 1)
_bytes_place = _c_function("PyBytes_AsString", 1)
_copy = _c_function("memcpy", 3)


@intrinsic
def _word_at(typing_context: Any, address: Any) -> tuple[Any, Callable[..., Any]]:
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
        Whether all are tuples of two bytes objects; if not, nothing that was filled in counts.
    """
    for index in range(lengths.shape[1]):
        pair = _tuple_item(pairs, index)
        if _word_at(pair + _TYPE_AT) != tuple_type or _tuple_size(pair) != 2:
            return False
        for row in range(2):
            item = _tuple_item(pair, row)
            if _word_at(item + _TYPE_AT) != bytes_type:
                return False
            lengths[row, index], places[row, index] = _bytes_size(item), _bytes_place(item)
    # Apart from the loop above: without calls in it, this one runs many lanes wide.
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
    at = _bytes_place(out)
    _copy(at, _bytes_place(head), _bytes_size(head))
    at += _bytes_size(head)
    for index in range(key_lengths.size):
        _copy(at, places[0, index], key_lengths[index])
        at += key_lengths[index]
    for index in range(value_lengths.size):
        _copy(at, places[1, index], value_lengths[index])
        at += value_lengths[index]
