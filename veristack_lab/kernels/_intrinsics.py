"""The few instructions that numba cannot express, written as LLVM IR.

Importing this module imports numba. Nothing here checks bounds: the callers do.
"""
# ruff: noqa: ARG001 -- numba gives each intrinsic and generator arguments it may not need

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numba.extending
from llvmlite import ir
from numba import types
from numba.core.registry import cpu_target

FEATURES = frozenset(cpu_target.target_context.codegen().magic_tuple()[2].split(","))
"""What the processor can do that numba makes code for, as LLVM writes it: `+crc32`, `-sha`."""

_I32, _I64 = ir.IntType(32), ir.IntType(64)

Definition = Callable[..., tuple[Any, Callable[..., Any]]]
intrinsic = cast("Callable[[Definition], Any]", numba.extending.intrinsic)


def _address(context: Any, builder: ir.IRBuilder, kind: Any, array: Any, index: Any) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), _I64.as_pointer())


@intrinsic
def load_u64(typing_context: Any, array: Any, index: Any) -> tuple[Any, Callable[..., Any]]:
    """8 bytes of a uint8 array from any index, little-endian."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        word = builder.load(_address(context, builder, sig.args[0], *args))
        word.align = 1
        return word

    return types.uint64(array, types.intp), generate


@intrinsic
def load_u32(typing_context: Any, array: Any, index: Any) -> tuple[Any, Callable[..., Any]]:
    """4 bytes of a uint8 array from any index, little-endian, as a number of 64 bits."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        address = _address(context, builder, sig.args[0], *args)
        word = builder.load(builder.bitcast(address, _I32.as_pointer()))
        word.align = 1
        return builder.zext(word, _I64)

    return types.uint64(array, types.intp), generate


@intrinsic
def store_u64(
    typing_context: Any, array: Any, index: Any, word: Any
) -> tuple[Any, Callable[..., Any]]:
    """Write 8 bytes into a uint8 array at any index, little-endian."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        array_value, index_value, word_value = args
        address = _address(context, builder, sig.args[0], array_value, index_value)
        builder.store(word_value, address).align = 1
        return context.get_dummy_value()

    return types.void(array, types.intp, types.uint64), generate
