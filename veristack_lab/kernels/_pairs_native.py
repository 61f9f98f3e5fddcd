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


_list_size = _c_function("PyList_Size", 1)
_list_item = _c_function("PyList_GetItem", 2)
_tuple_size = _c_function("PyTuple_Size", 1)
_tuple_item = _c_function("PyTuple_GetItem", 2)
_bytes_size = _c_function("PyBytes_Size", 1)
_bytes_at = _c_function("PyBytes_AsString", 1)
_copy = _c_function("memcpy", 3)


@intrinsic
def _word_at(typing_context: Any, address: Any) -> tuple[Any, Callable[..., Any]]:
    """The word of memory at an address."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        word = context.get_value_type(types.intp)
        return builder.load(builder.inttoptr(args[0], word.as_pointer()))

    return types.intp(types.intp), generate


@object_kernel
def _pair(pairs: Any, index: Any, tuple_type: Any, bytes_type: Any) -> Any:
    """The addresses of a key and its value; zeros if this is no tuple of two bytes."""
    pair = _list_item(pairs, index)
    if _word_at(pair + _TYPE_AT) != tuple_type or _tuple_size(pair) != 2:
        return 0, 0
    key, value = _tuple_item(pair, 0), _tuple_item(pair, 1)
    if _word_at(key + _TYPE_AT) != bytes_type or _word_at(value + _TYPE_AT) != bytes_type:
        return 0, 0
    return key, value


@object_kernel
def measure(pairs: Any, tuple_type: Any, bytes_type: Any, lengths: Any, facts: Any) -> bool:
    """Fill in the lengths, (2, n), and the sum, least and greatest of each row, (2, 3).

    Returns:
        Whether all n are tuples of two bytes objects; if not, nothing that was filled in counts.
    """
    for column in range(2):
        facts[column, 0], facts[column, 1], facts[column, 2] = 0, (1 << 63) - 1, 0
    for index in range(lengths.shape[1]):
        key, value = _pair(pairs, index, tuple_type, bytes_type)
        if key == 0:
            return False
        lengths[0, index], lengths[1, index] = _bytes_size(key), _bytes_size(value)
        for column in range(2):
            length = lengths[column, index]
            facts[column, 0] += length
            facts[column, 1] = min(facts[column, 1], length)
            facts[column, 2] = max(facts[column, 2], length)
    return True


@object_kernel
def fill(pairs: Any, tuple_type: Any, bytes_type: Any, head: Any, out: Any, middle: Any) -> bool:
    """Copy a head and all keys, which end at `middle`, and all values, which end with `out`.

    Returns:
        Whether they fill it; if not, nothing was written outside it.
    """
    start, end = _bytes_at(out), _bytes_size(out)
    at, value_at = _bytes_size(head), middle
    _copy(start, _bytes_at(head), at)
    for index in range(_list_size(pairs)):
        key, value = _pair(pairs, index, tuple_type, bytes_type)
        if key == 0:
            return False
        key_size, value_size = _bytes_size(key), _bytes_size(value)
        if at + key_size > middle or value_at + value_size > end:
            return False
        _copy(start + at, _bytes_at(key), key_size)
        _copy(start + value_at, _bytes_at(value), value_size)
        at, value_at = at + key_size, value_at + value_size
    return bool(at == middle and value_at == end)
