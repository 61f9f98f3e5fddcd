"""CRC32C of long data by two units of the processor at once.

Multiplication and the crc32 instruction are different units, and neither waits for the other. So
a block is cut into stripes: some go through the instruction, each in a chain of its own, while
the last one is folded. In the end each stripe's register is multiplied by the power of x that
lets the rest of the block pass, and a single crc32 instruction reduces the sum of all.

Source: as for `_folding`. Importing this module imports numba.
"""
# ruff: noqa: ARG001 -- numba gives each intrinsic and generator arguments it may not need

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from llvmlite import ir
from numba import types

from veristack_lab.kernels._folding import Folding
from veristack_lab.kernels._instruction_x86 import crc32_of
from veristack_lab.kernels._intrinsics import intrinsic
from veristack_lab.kernels._multiply import LOW_BY_LOW, product
from veristack_lab.kernels._polynomial import power
from veristack_lab.kernels._registers import I64, counted, i64, loaded, word_of

_PAIR = ir.VectorType(I64, 2)


@dataclass(frozen=True)
class Beside:
    """How a block is cut: in each round a block is folded, and each chain takes some words."""

    folding: Folding
    chains: int
    words: int
    rounds: int

    @property
    def chain_bytes(self) -> int:
        return 8 * self.words * self.rounds

    @property
    def folded_bytes(self) -> int:
        return self.folding.block_bytes * self.rounds

    @property
    def block_bytes(self) -> int:
        return self.chains * self.chain_bytes + self.folded_bytes

    def advance(self, builder: ir.IRBuilder, block: Any, registers: list[Any]) -> list[Any]:
        """The chains' registers after the words of a round, which begins at `block`."""
        registers = list(registers)
        for word in range(self.words):
            for chain in range(self.chains):
                at = chain * self.chain_bytes + 8 * word
                registers[chain] = crc32_of(
                    builder, registers[chain], loaded(builder, block, 1, at)
                )
        return registers

    def together(self, builder: ir.IRBuilder, registers: list[Any], rest: list[Any]) -> Any:
        """The register after the block, from the stripes' own."""
        total = None
        for chain, register in enumerate(registers):
            behind = (self.chains - 1 - chain) * self.chain_bytes + self.folded_bytes
            # The product is one x too large, and the instruction below adds 32.
            factor = ir.Constant(_PAIR, [power(8 * behind - 33), 0])
            vector = builder.insert_element(ir.Constant(_PAIR, [0, 0]), register, i64(0))
            moved = product(builder, vector, factor, LOW_BY_LOW)
            total = moved if total is None else builder.xor(total, moved)
        low = rest[1] if total is None else builder.xor(word_of(builder, total, 0), rest[1])
        return crc32_of(builder, crc32_of(builder, i64(0), rest[0]), low)


def beside(shape: Beside) -> Any:
    """The kernel piece `block(register, data, start)`: the register after one whole block."""

    @intrinsic
    def block(
        typing_context: Any, register: Any, array: Any, start: Any
    ) -> tuple[Any, Callable[..., Any]]:
        signature = types.uint64(types.uint64, array, types.intp)

        def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
            register_value, array_value, start_value = args
            data = context.make_array(sig.args[1])(context, builder, array_value).data
            return _block(builder, shape, register_value, builder.gep(data, [start_value]))

        return signature, generate

    return block


def _block(builder: ir.IRBuilder, shape: Beside, register: Any, first: Any) -> Any:
    folding = shape.folding
    folded = builder.gep(first, [i64(shape.chains * shape.chain_bytes)])
    carried = [*folding.load(builder, folded), register, *[i64(0)] * (shape.chains - 1)]
    with counted(builder, i64(1), i64(shape.rounds), carried) as (index, values, following):
        sums, registers = values[: folding.registers], values[folding.registers :]
        offset = builder.mul(index, i64(folding.block_bytes))
        new = folding.load(builder, builder.gep(folded, [offset]))
        offset = builder.mul(builder.sub(index, i64(1)), i64(8 * shape.words))
        following += folding.step(builder, sums, new)
        following += shape.advance(builder, builder.gep(first, [offset]), registers)
    sums, registers = values[: folding.registers], values[folding.registers :]
    last = builder.gep(first, [i64(8 * shape.words * (shape.rounds - 1))])
    rest = folding.rest(builder, sums)
    return shape.together(builder, shape.advance(builder, last, registers), rest)
