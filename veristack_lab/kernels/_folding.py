"""CRCs of long data by carry-less multiplication, in registers of any width.

A CRC is a remainder of polynomials, so a piece of the message may be replaced by anything that
leaves the same remainder. Each step multiplies some registers by the power of x that moves them
on by their own length, and adds as much of the message: two multiplications for each register,
none waiting for another. In the end the registers are added up in the same way, lane by lane,
until 16 bytes are left.

Source: V. Gopal et al., "Fast CRC computation for generic polynomials using PCLMULQDQ
instruction", Intel (2009). Importing this module imports numba.
"""
# ruff: noqa: ARG001 -- numba gives each intrinsic and generator arguments it may not need

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from llvmlite import ir
from numba import types

from veristack_lab.kernels._intrinsics import intrinsic
from veristack_lab.kernels._multiply import Factors, moved
from veristack_lab.kernels._polynomial import power
from veristack_lab.kernels._registers import counted, i64, lanes, loaded, word_of

CRC32C = Factors(lambda exponent: power(exponent) << 32)
LANE_BYTES = 16


@dataclass(frozen=True)
class Folding:
    """How many registers of which width hold the sum, and the polynomial."""

    bits: int
    factors: Factors = CRC32C
    registers: int = 4

    @property
    def register_bytes(self) -> int:
        return self.bits // 8

    @property
    def block_bytes(self) -> int:
        """What one step takes from the message."""
        return self.registers * self.register_bytes

    def load(self, builder: ir.IRBuilder, block: Any) -> list[Any]:
        """A block of the message."""
        words = self.bits // 64
        return [
            loaded(builder, block, words, index * self.register_bytes)
            for index in range(self.registers)
        ]

    def step(self, builder: ir.IRBuilder, sums: list[Any], block: list[Any]) -> list[Any]:
        """The registers moved on by a block, which is added."""
        factors = self.factors.pairs(self.block_bytes, self.bits // 128)
        return [
            builder.xor(moved(builder, total, factors), new)
            for total, new in zip(sums, block, strict=True)
        ]

    def rest(self, builder: ir.IRBuilder, sums: list[Any]) -> list[Any]:
        """Two words with the same remainder as all registers one after the other."""
        total = sums[0]
        factors = self.factors.pairs(self.register_bytes, self.bits // 128)
        for following in sums[1:]:
            total = builder.xor(moved(builder, total, factors), following)
        lane, *others = lanes(builder, total)
        factors = self.factors.pairs(LANE_BYTES, 1)
        for following in others:
            lane = builder.xor(moved(builder, lane, factors), following)
        return [word_of(builder, lane, 0), word_of(builder, lane, 1)]


def folding(shape: Folding) -> Any:
    """The kernel piece `fold(register, data, start, blocks)`, for at least one block.

    It returns two words: the register after them, from 0 on, is the register after all blocks.
    """

    @intrinsic
    def fold(
        typing_context: Any, register: Any, array: Any, start: Any, blocks: Any
    ) -> tuple[Any, Callable[..., Any]]:
        signature = types.UniTuple(types.uint64, 2)(types.uint64, array, types.intp, types.intp)

        def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
            register_value, array_value, start_value, blocks_value = args
            data = context.make_array(sig.args[1])(context, builder, array_value).data
            block = builder.gep(data, [start_value])
            first = shape.load(builder, block)
            first[0] = seeded(builder, first[0], register_value)
            rest = shape.rest(builder, _loop(builder, shape, block, first, blocks_value))
            return context.make_tuple(builder, sig.return_type, rest)

        return signature, generate

    return fold


def seeded(builder: ir.IRBuilder, vector: Any, register: Any) -> Any:
    """A CRC's register added to the first bytes of the message."""
    word = builder.xor(word_of(builder, vector, 0), register)
    return builder.insert_element(vector, word, ir.Constant(ir.IntType(32), 0))


def _loop(
    builder: ir.IRBuilder, shape: Folding, block: Any, first: list[Any], blocks: Any
) -> list[Any]:
    """Fold block after block into the registers."""
    with counted(builder, i64(1), blocks, first) as (index, sums, following):
        offset = builder.mul(index, i64(shape.block_bytes))
        added = shape.load(builder, builder.gep(block, [offset]))
        following += shape.step(builder, sums, added)
    return sums
