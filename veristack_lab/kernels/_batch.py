"""CRC32C of many records of 64 bytes, each by two units of the processor at once.

A record is eight words. The first few are multiplied, each by the power of x that moves it to
the pair of words after them, and added there; the crc32 instruction takes what is left. The two
units work side by side, and the processor looks far enough ahead to overlap several records.

On AMD's Zen 3 a multiplication of 256 bits keeps its unit busy for two cycles and takes two
words; the instruction takes a word a cycle. So with four words each both are done after four.

Source: V. Gopal et al., "Fast CRC computation for generic polynomials using PCLMULQDQ
instruction", Intel (2009). Importing this module imports numba.
"""
# ruff: noqa: ARG001 -- numba gives each intrinsic and generator arguments it may not need

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types

from veristack_lab.kernels._folding import CRC32C
from veristack_lab.kernels._instruction_x86 import crc32_of
from veristack_lab.kernels._intrinsics import intrinsic
from veristack_lab.kernels._multiply import HIGH_BY_HIGH, LOW_BY_LOW, product
from veristack_lab.kernels._polynomial import ALL_ONES, ORDER, power, times, zeros
from veristack_lab.kernels._registers import I32, I64, counted, i64, lanes, loaded, word_of

RECORD_BYTES = 64
_WORDS = RECORD_BYTES // 8
_EMPTY = times(zeros(RECORD_BYTES), ALL_ONES) ^ ALL_ONES
"""The checksum of a record of zeroes: what both inversions of a CRC32C add to any record."""


def batch(bits: int, multiplied: int) -> Any:
    """The kernel piece `sum_records(data, start, sums, records)`.

    Args:
        bits: width of the registers.
        multiplied: words of each record that are multiplied, 2 to 4.
    """

    @intrinsic
    def sum_records(
        typing_context: Any, array: Any, start: Any, sums: Any, records: Any
    ) -> tuple[Any, Callable[..., Any]]:
        signature = types.void(array, types.intp, sums, types.intp)

        def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
            array_value, start_value, sums_value, records_value = args
            data = context.make_array(sig.args[0])(context, builder, array_value).data
            first = builder.gep(data, [start_value])
            out = context.make_array(sig.args[2])(context, builder, sums_value).data
            with counted(builder, i64(0), records_value, []) as (index, _, _):
                record = builder.gep(first, [builder.mul(index, i64(RECORD_BYTES))])
                register = _register(builder, record, bits // 64, multiplied)
                builder.store(builder.trunc(register, I32), builder.gep(out, [index]))
            return context.get_dummy_value()

        return signature, generate

    return sum_records


def _register(builder: ir.IRBuilder, record: Any, width: int, multiplied: int) -> Any:
    pair = loaded(builder, record, 2, 8 * multiplied)
    for at in range(0, multiplied, width):
        taken = min(width, multiplied - at)
        for lane in _moved(builder, loaded(builder, record, width, 8 * at), at, taken, multiplied):
            pair = builder.xor(pair, lane)
    # After the words that were moved away, this becomes `_EMPTY`.
    register: Any = i64(times(power(ORDER - 64 * (_WORDS - multiplied)), _EMPTY))
    for index in range(2):
        register = crc32_of(builder, register, word_of(builder, pair, index))
    for index in range(multiplied + 2, _WORDS):
        register = crc32_of(builder, register, loaded(builder, record, 1, 8 * index))
    return register


def _moved(builder: ir.IRBuilder, words: Any, at: int, taken: int, multiplied: int) -> list[Any]:
    """The first words of a register, which are a record's from `at` on, moved to the pair."""
    powers = [
        CRC32C.word(multiplied - at - index) if index < taken else 0
        for index in range(words.type.count)
    ]
    factors = ir.Constant(ir.VectorType(I64, words.type.count), powers)
    total = product(builder, words, factors, LOW_BY_LOW)
    if taken > 1:
        total = builder.xor(total, product(builder, words, factors, HIGH_BY_HIGH))
    return lanes(builder, total)
