"""CRC32C of many records of 64 bytes, side by side in 512-bit registers.

A record is eight words w0 to w7, and its register is the sum of w_i * x^(64 * (8 - i)), reduced.
So each word is multiplied by its own power of x, which two carry-less multiplications do for
all eight of a record; the sums of four records are put side by side and reduced together. The
multiplier is busy for two cycles with each instruction, and the crc32 instruction is another
part of the processor: while eight records are multiplied, it sums four more.

Sources: V. Gopal et al., "Fast CRC computation for generic polynomials using PCLMULQDQ
instruction", Intel (2009); the reduction is P. Montgomery's, "Modular multiplication without
trial division" (1985), with polynomials for numbers. Importing this module imports numba.
"""
# ruff: noqa: ARG001 -- numba gives each intrinsic and generator arguments it may not need

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.cgutils import get_or_insert_function

from veristack_lab.kernels._intrinsics import FEATURES, intrinsic
from veristack_lab.kernels._polynomial import ALL_ONES, MODULUS, inverse, times, zeros

AVAILABLE = {"+crc32", "+avx512f", "+vpclmulqdq"} <= FEATURES
"""Whether `sum_block` may be mentioned: LLVM aborts the process for a missing instruction."""
RECORD_BYTES = 64
MULTIPLIED, CHAINED = 8, 4
"""Records of a block that go the one way and the other: what keeps both units busy."""
BLOCK_RECORDS = MULTIPLIED + CHAINED

_WORDS = RECORD_BYTES // 8
_I8, _I32, _I64 = ir.IntType(8), ir.IntType(32), ir.IntType(64)
_VECTOR = ir.VectorType(_I64, _WORDS)
_LOW_BY_LOW, _HIGH_BY_HIGH = 0x00, 0x11

# A word is read as a number whose bit k stands for x^-k. Word i needs x^(64 * (8 - i)), of which
# the reduction supplies 64 powers: it takes off the low 64 bits of a sum, as a division by x^-64.
_POWERS = [times(zeros(8 * (_WORDS - 1 - index)), 1) for index in range(_WORDS)]
_QUOTIENT = inverse(MODULUS, 64)
_EMPTY = times(zeros(RECORD_BYTES), ALL_ONES) ^ ALL_ONES
"""The checksum of a record of zeroes: what both inversions of a CRC32C add to any record."""


@intrinsic
def sum_block(
    typing_context: Any, array: Any, start: Any, sums: Any, index: Any
) -> tuple[Any, Callable[..., Any]]:
    """The checksums of twelve records of 64 bytes from `start` on, into `sums` from `index` on."""
    signature = types.void(array, types.intp, sums, types.intp)

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        array_value, start_value, sums_value, index_value = args
        data = context.make_array(sig.args[0])(context, builder, array_value).data
        out = context.make_array(sig.args[2])(context, builder, sums_value).data
        block = builder.gep(data, [start_value])
        chains = _Chains(builder, builder.gep(block, [_i64(MULTIPLIED * RECORD_BYTES)]))
        records = builder.bitcast(block, _VECTOR.as_pointer())
        products = []
        for record in range(MULTIPLIED):
            products.append(_multiply(builder, builder.gep(records, [_i64(record)])))
            # Between the multiplications, so that neither unit's queue holds up the other.
            chains.advance()
        first = builder.gep(out, [index_value])
        _store(builder, _reduce(builder, products), first)
        chains.store(builder.gep(first, [_i64(MULTIPLIED)]))
        return context.get_dummy_value()

    return signature, generate


def _i64(value: int) -> ir.Constant:
    return ir.Constant(_I64, value)


def _product(builder: ir.IRBuilder, a: Any, b: Any, which: int) -> Any:
    kind = ir.FunctionType(_VECTOR, [_VECTOR, _VECTOR, _I8])
    multiply = get_or_insert_function(builder.module, kind, "llvm.x86.pclmulqdq.512")
    return builder.call(multiply, [a, b, ir.Constant(_I8, which)])


def _multiply(builder: ir.IRBuilder, address: Any) -> Any:
    """Four sums of 96 bits that have to be added: a record's words times their powers."""
    record = builder.load(address)
    record.align = 1
    powers = ir.Constant(_VECTOR, _POWERS)
    even = _product(builder, record, powers, _LOW_BY_LOW)
    return builder.xor(even, _product(builder, record, powers, _HIGH_BY_HIGH))


def _lanes(builder: ir.IRBuilder, a: Any, b: Any, chosen: tuple[int, ...]) -> Any:
    """Four of the eight lanes of 128 bits of two registers."""
    words = [2 * lane + half for lane in chosen for half in (0, 1)]
    mask = ir.Constant(ir.VectorType(_I32, _WORDS), words)
    return builder.shuffle_vector(a, b, mask)


def _add_lanes(builder: ir.IRBuilder, four: list[Any]) -> Any:
    """One register with a lane for each of the four: the sum of its own four lanes."""
    first, second = (
        builder.xor(
            _lanes(builder, a, b, (0, 1, 4, 5)),
            _lanes(builder, a, b, (2, 3, 6, 7)),
        )
        for a, b in (four[:2], four[2:])
    )
    even = _lanes(builder, first, second, (0, 2, 4, 6))
    return builder.xor(even, _lanes(builder, first, second, (1, 3, 5, 7)))


def _reduce(builder: ir.IRBuilder, products: list[Any]) -> Any:
    """The checksums of eight records: a multiple of the modulus clears the low 64 bits."""
    halves = ir.VectorType(_I32, 2 * _WORDS)
    eight = ir.VectorType(_I32, MULTIPLIED)
    registers = []
    for group in (products[:4], products[4:]):
        total = _add_lanes(builder, group)
        quotient = ir.Constant(_VECTOR, [_QUOTIENT] * _WORDS)
        multiple = _product(builder, total, quotient, _LOW_BY_LOW)
        modulus = ir.Constant(_VECTOR, [MODULUS] * _WORDS)
        multiple = _product(builder, multiple, modulus, _LOW_BY_LOW)
        registers.append(builder.bitcast(builder.xor(total, multiple), halves))
    third = ir.Constant(eight, [4 * lane + 2 for lane in range(MULTIPLIED)])
    sums = builder.shuffle_vector(*registers, third)
    return builder.xor(sums, ir.Constant(eight, [_EMPTY] * MULTIPLIED))


def _store(builder: ir.IRBuilder, sums: Any, address: Any) -> None:
    store = builder.store(sums, builder.bitcast(address, sums.type.as_pointer()))
    store.align = 4


class _Chains:
    """Records that are summed by the crc32 instruction, a word of each at every step."""

    def __init__(self, builder: ir.IRBuilder, start: Any) -> None:
        self._builder = builder
        self._start = start
        self._registers: list[Any] = [_i64(ALL_ONES)] * CHAINED
        self._step = 0

    def advance(self) -> None:
        builder = self._builder
        kind = ir.FunctionType(_I64, [_I64, _I64])
        crc32 = get_or_insert_function(builder.module, kind, "llvm.x86.sse42.crc32.64.64")
        for record, register in enumerate(self._registers):
            offset = RECORD_BYTES * record + 8 * self._step
            address = builder.gep(self._start, [_i64(offset)])
            word = builder.load(builder.bitcast(address, _I64.as_pointer()))
            word.align = 1
            self._registers[record] = builder.call(crc32, [register, word])
        self._step += 1

    def store(self, address: Any) -> None:
        for record, register in enumerate(self._registers):
            narrow = self._builder.trunc(register, _I32)
            inverted = self._builder.xor(narrow, ir.Constant(_I32, ALL_ONES))
            self._builder.store(inverted, self._builder.gep(address, [_i64(record)]))
