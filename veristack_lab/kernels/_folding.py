"""CRC32C of long data by carry-less multiplication of 512-bit registers.

A CRC is a remainder of polynomials, so 256 bytes of the message may be replaced by anything
that leaves the same remainder. Each step multiplies four registers by the power of x that
moves them 256 bytes on, and adds the next 256 bytes: two multiplications for every 64 bytes,
none waiting for another. What is left in the end is 256 bytes for the crc32 instruction.

Source: V. Gopal et al., "Fast CRC computation for generic polynomials using PCLMULQDQ
instruction", Intel (2009). Importing this module imports numba.
"""
# ruff: noqa: ARG001 -- numba gives each intrinsic and generator arguments it may not need

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.cgutils import get_or_insert_function

from veristack_lab.kernels._intrinsics import FEATURES, intrinsic
from veristack_lab.kernels._polynomial import power

AVAILABLE = {"+crc32", "+avx512f", "+vpclmulqdq"} <= FEATURES
"""Whether `fold` may be mentioned: LLVM aborts the process for a missing instruction."""
BLOCK_BYTES = 256
"""Data comes in whole blocks of four registers, at least one."""

_REGISTERS, _WORDS = 4, 8
_I8, _I32, _I64 = ir.IntType(8), ir.IntType(32), ir.IntType(64)
_VECTOR = ir.VectorType(_I64, _WORDS)
# Bit 63 of a word stands for x^0 and the instruction's product is one x too large: hence the -1.
# The low word of each pair comes first in the message, so it is 64 powers further from its end.
_LOW = power(8 * BLOCK_BYTES + 64 - 1) << 32
_HIGH = power(8 * BLOCK_BYTES - 1) << 32
_LOW_BY_LOW, _HIGH_BY_HIGH = 0x00, 0x11


@intrinsic
def fold(
    typing_context: Any, register: Any, array: Any, start: Any, blocks: Any
) -> tuple[Any, Callable[..., Any]]:
    """Let `blocks` whole blocks from `start` on pass through a CRC32C register."""
    signature = types.uint64(types.uint64, array, types.intp, types.intp)

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        register_value, array_value, start_value, blocks_value = args
        data = context.make_array(sig.args[1])(context, builder, array_value).data
        block = builder.gep(data, [start_value])
        first = _load_block(builder, block)
        seed = ir.Constant(_VECTOR, [0] * _WORDS)
        seed = builder.insert_element(seed, register_value, ir.Constant(_I32, 0))
        first[0] = builder.xor(first[0], seed)
        folded = _loop(builder, block, first, blocks_value)
        return _reduce(builder, folded)

    return signature, generate


def _load_block(builder: ir.IRBuilder, block: Any) -> list[Any]:
    address = builder.bitcast(block, _VECTOR.as_pointer())
    loaded = []
    for index in range(_REGISTERS):
        vector = builder.load(builder.gep(address, [ir.Constant(_I32, index)]))
        vector.align = 1
        loaded.append(vector)
    return loaded


def _loop(builder: ir.IRBuilder, block: Any, first: list[Any], blocks: Any) -> list[Any]:
    """Fold block after block into the registers; they hold the last sum afterwards."""
    kind = ir.FunctionType(_VECTOR, [_VECTOR, _VECTOR, _I8])
    multiply = get_or_insert_function(builder.module, kind, "llvm.x86.pclmulqdq.512")
    factors = ir.Constant(_VECTOR, [_LOW, _HIGH] * (_WORDS // 2))
    before, head = builder.block, builder.append_basic_block("fold.head")
    body, after = builder.append_basic_block("fold.body"), builder.append_basic_block("fold.after")
    builder.branch(head)

    builder.position_at_end(head)
    index = builder.phi(_I64)
    sums = [builder.phi(_VECTOR) for _ in first]
    builder.cbranch(builder.icmp_signed("<", index, blocks), body, after)

    builder.position_at_end(body)
    offset = builder.mul(index, ir.Constant(_I64, BLOCK_BYTES))
    added = _load_block(builder, builder.gep(block, [offset]))
    following = []
    for total, new in zip(sums, added, strict=True):
        low = builder.call(multiply, [total, factors, ir.Constant(_I8, _LOW_BY_LOW)])
        high = builder.call(multiply, [total, factors, ir.Constant(_I8, _HIGH_BY_HIGH)])
        following.append(builder.xor(builder.xor(low, high), new))
    advanced = builder.add(index, ir.Constant(_I64, 1))
    builder.branch(head)

    index.add_incoming(ir.Constant(_I64, 1), before)
    index.add_incoming(advanced, body)
    for total, start, new in zip(sums, first, following, strict=True):
        total.add_incoming(start, before)
        total.add_incoming(new, body)
    builder.position_at_end(after)
    return sums


def _reduce(builder: ir.IRBuilder, registers: list[Any]) -> Any:
    """The CRC register after the 256 bytes that the folding left."""
    kind = ir.FunctionType(_I64, [_I64, _I64])
    crc32 = get_or_insert_function(builder.module, kind, "llvm.x86.sse42.crc32.64.64")
    result: Any = ir.Constant(_I64, 0)
    for vector in registers:
        for index in range(_WORDS):
            word = builder.extract_element(vector, ir.Constant(_I32, index))
            result = builder.call(crc32, [result, word])
    return result
