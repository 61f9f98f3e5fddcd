"""The crc32c instructions of aarch64: eight, four bytes or one through a register.

Use it only where `FEATURES` has `+crc`. The register is a number of 32 bits there, and
of 64 for the callers, as on x86-64. Importing this module imports numba.
"""
# ruff: noqa: ARG001 -- numba gives each intrinsic and generator arguments it may not need

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.cgutils import get_or_insert_function

from veristack_lab.kernels._intrinsics import intrinsic

_I32, _I64 = ir.IntType(32), ir.IntType(64)


def crc32_of(builder: ir.IRBuilder, name: str, register: Any, data: Any) -> Any:
    """Write the instruction `name` on data of its width."""
    kind = ir.FunctionType(_I32, [_I32, data.type])
    function = get_or_insert_function(builder.module, kind, f"llvm.aarch64.{name}")
    changed = builder.call(function, [builder.trunc(register, _I32), data])
    return builder.zext(changed, _I64)


@intrinsic
def crc32_u64(typing_context: Any, register: Any, word: Any) -> tuple[Any, Callable[..., Any]]:
    """Eight bytes."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        return crc32_of(builder, "crc32cx", *args)

    return types.uint64(types.uint64, types.uint64), generate


@intrinsic
def crc32_u32(typing_context: Any, register: Any, word: Any) -> tuple[Any, Callable[..., Any]]:
    """The low four bytes of a word."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        register_value, word_value = args
        return crc32_of(builder, "crc32cw", register_value, builder.trunc(word_value, _I32))

    return types.uint64(types.uint64, types.uint64), generate


@intrinsic
def crc32_u8(typing_context: Any, register: Any, byte: Any) -> tuple[Any, Callable[..., Any]]:
    """One byte."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        register_value, byte_value = args
        return crc32_of(builder, "crc32cb", register_value, builder.zext(byte_value, _I32))

    return types.uint64(types.uint64, types.uint8), generate
