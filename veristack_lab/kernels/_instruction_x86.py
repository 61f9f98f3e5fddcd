"""The crc32 instruction of x86-64 (SSE 4.2): eight, four bytes or one through a register.

Use it only where `FEATURES` has `+crc32`. Importing this module imports numba.
"""
# ruff: noqa: ARG001 -- numba gives each intrinsic and generator arguments it may not need

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.cgutils import get_or_insert_function

from veristack_lab.kernels._intrinsics import intrinsic

_I8, _I32, _I64 = ir.IntType(8), ir.IntType(32), ir.IntType(64)


def crc32_of(builder: ir.IRBuilder, register: Any, word: Any) -> Any:
    """Write the instruction on eight bytes."""
    kind = ir.FunctionType(_I64, [_I64, _I64])
    function = get_or_insert_function(builder.module, kind, "llvm.x86.sse42.crc32.64.64")
    return builder.call(function, [register, word])


@intrinsic
def crc32_u64(typing_context: Any, register: Any, word: Any) -> tuple[Any, Callable[..., Any]]:
    """The crc32 instruction on eight bytes; only where FEATURES has `+crc32`."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        return crc32_of(builder, *args)

    return types.uint64(types.uint64, types.uint64), generate


@intrinsic
def crc32_u32(typing_context: Any, register: Any, word: Any) -> tuple[Any, Callable[..., Any]]:
    """The crc32 instruction on the low four bytes; only where FEATURES has `+crc32`."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        kind = ir.FunctionType(_I32, [_I32, _I32])
        function = get_or_insert_function(builder.module, kind, "llvm.x86.sse42.crc32.32.32")
        narrow = [builder.trunc(value, _I32) for value in args]
        return builder.zext(builder.call(function, narrow), _I64)

    return types.uint64(types.uint64, types.uint64), generate


@intrinsic
def crc32_u8(typing_context: Any, register: Any, byte: Any) -> tuple[Any, Callable[..., Any]]:
    """The crc32 instruction on one byte; only where FEATURES has `+crc32`."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        kind = ir.FunctionType(_I64, [_I64, _I8])
        function = get_or_insert_function(builder.module, kind, "llvm.x86.sse42.crc32.64.8")
        return builder.call(function, args)

    return types.uint64(types.uint64, types.uint8), generate
