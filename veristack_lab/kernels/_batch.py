"""CRC32C of many records of 64 bytes, each by two units of the processor at once.

A record is eight words. The first few are multiplied, each by the power of x that moves it to
the pair of words after them, and added there; the crc32 instruction takes what is left. It does
so while the next few records are multiplied: its unit has a short queue, which instructions that
wait for a product would fill.

On AMD's Zen 3 a multiplication of 256 bits keeps its unit busy for two cycles and takes two
words; the instruction takes a word a cycle. So with four words each both are done after four.

Source: V. Gopal et al., "Fast CRC computation for generic polynomials using PCLMULQDQ
instruction", Intel (2009). Importing this module imports numba.
"""
# ruff: noqa: ARG001 -- numba gives each intrinsic and generator arguments it may not need

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from llvmlite import ir
from numba import types

from veristack_lab.kernels._folding import CRC32C
from veristack_lab.kernels._instruction_x86 import crc32_of
from veristack_lab.kernels._intrinsics import intrinsic
from veristack_lab.kernels._multiply import LOW_BY_LOW, moved, product
from veristack_lab.kernels._polynomial import ALL_ONES, ORDER, power, times, zeros
from veristack_lab.kernels._registers import I32, I64, counted, i64, lanes, loaded, word_of

RECORD_BYTES, BLOCK_RECORDS = 64, 4
_WORDS = RECORD_BYTES // 8
_EMPTY = times(zeros(RECORD_BYTES), ALL_ONES) ^ ALL_ONES
"""The checksum of a record of zeroes: what both inversions of a CRC32C add to any record."""


def batch(bits: int, multiplied: int) -> Any:
    """The kernel piece `sum_blocks(data, start, sums, blocks)`, for at least one block.

    Args:
        bits: width of the registers.
        multiplied: words of each record that are multiplied, 2 to 4.
    """

    @intrinsic
    def sum_blocks(
        typing_context: Any, array: Any, start: Any, sums: Any, blocks: Any
    ) -> tuple[Any, Callable[..., Any]]:
        signature = types.void(array, types.intp, sums, types.intp)

        def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
            array_value, start_value, sums_value, blocks_value = args
            data = context.make_array(sig.args[0])(context, builder, array_value).data
            out = context.make_array(sig.args[2])(context, builder, sums_value).data
            data = builder.gep(data, [start_value])
            writer = _Writer(builder, data, out, bits // 64, multiplied)
            first = [writer.pair(i64(0), number) for number in range(BLOCK_RECORDS)]
            with counted(builder, i64(1), blocks_value, first) as (index, pairs, following):
                steps = writer.steps(builder.sub(index, i64(1)), pairs)
                for number in range(BLOCK_RECORDS):
                    following.append(writer.pair(index, number))
                    next(steps, None)
                for _ in steps:
                    pass
            for _ in writer.steps(builder.sub(blocks_value, i64(1)), pairs):
                pass
            return context.get_dummy_value()

        return signature, generate

    return sum_blocks


@dataclass(frozen=True)
class _Writer:
    """Writes the instructions for the records of a block."""

    builder: ir.IRBuilder
    data: Any
    sums: Any
    width: int
    """Words of a register."""
    multiplied: int

    def pair(self, block: Any, number: int) -> Any:
        """Two words with the same remainder as a record's first `multiplied + 2`."""
        record = self._at(block, number)
        pair = loaded(self.builder, record, 2, 8 * self.multiplied)
        for at in range(0, self.multiplied, self.width):
            for lane in self._moved(loaded(self.builder, record, self.width, 8 * at), at):
                pair = self.builder.xor(pair, lane)
        return pair

    def _moved(self, words: Any, at: int) -> list[Any]:
        """The words of a register, which are a record's from `at` on, moved to the pair."""
        taken = min(self.width, self.multiplied - at)
        powers = [CRC32C.word(self.multiplied - at - index) for index in range(taken)]
        powers += [0] * (self.width - taken)
        factors = ir.Constant(ir.VectorType(I64, self.width), powers)
        if taken > 1:
            return lanes(self.builder, moved(self.builder, words, factors))
        return lanes(self.builder, product(self.builder, words, factors, LOW_BY_LOW))

    def steps(self, block: Any, pairs: list[Any]) -> Iterator[None]:
        """Word by word, all records of a block through the instruction; then their checksums."""
        # After the words that were moved away, this becomes `_EMPTY`.
        seed = times(power(ORDER - 64 * (_WORDS - self.multiplied)), _EMPTY)
        registers: list[Any] = [i64(seed)] * BLOCK_RECORDS
        for word in range(self.multiplied, _WORDS):
            for number, pair in enumerate(pairs):
                value = self._word(block, number, word, pair)
                registers[number] = crc32_of(self.builder, registers[number], value)
            yield
        for number, register in enumerate(registers):
            place = self.builder.add(self.builder.mul(block, i64(BLOCK_RECORDS)), i64(number))
            narrow = self.builder.trunc(register, I32)
            self.builder.store(narrow, self.builder.gep(self.sums, [place]))

    def _word(self, block: Any, number: int, word: int, pair: Any) -> Any:
        if word < self.multiplied + 2:
            return word_of(self.builder, pair, word - self.multiplied)
        return loaded(self.builder, self._at(block, number), 1, 8 * word)

    def _at(self, block: Any, number: int) -> Any:
        start = self.builder.mul(block, i64(RECORD_BYTES * BLOCK_RECORDS))
        offset = self.builder.add(start, i64(RECORD_BYTES * number))
        return self.builder.gep(self.data, [offset])
