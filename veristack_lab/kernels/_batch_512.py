"""CRC32C of many records of 64 bytes, side by side in 512-bit registers.

A record is eight words w0 to w7, and its register is the sum of w_i * x^(64 * (8 - i)), reduced.
Carry-less multiplications take each word by its own power of x; what is left of a record then
is 96 bits, and the crc32 instruction reduces them. The multiplier is busy for two cycles with
each instruction, and crc32 runs on another unit of the processor: so four records of every sixteen
go through that unit alone, and the remainders of a block are reduced while the next is multiplied.

What bounds this on AMD's Zen 4, per group of four records: its eight multiplications are 24 of
the operations of 512 bits of which two can start in a cycle, and joining halves, adding and
folding another eleven. That makes 17.5 cycles, in which the multiplier is busy for 16.

Source: V. Gopal et al., "Fast CRC computation for generic polynomials using PCLMULQDQ
instruction", Intel (2009). Importing this module imports numba.
"""
# ruff: noqa: ARG001 -- numba gives each intrinsic and generator arguments it may not need

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.cgutils import alloca_once, get_or_insert_function

from veristack_lab.kernels._intrinsics import intrinsic
from veristack_lab.kernels._polynomial import ALL_ONES, ORDER, power, times, zeros

RECORD_BYTES = 64
GROUPS, GROUP_RECORDS, CHAINED = 3, 4, 4
"""Records of a block: groups that are multiplied, and single ones that the instruction takes.

Of the measured ways to divide and order the work, this one takes the fewest cycles.
"""
PAIRS = 2 * GROUPS
BLOCK_RECORDS = GROUPS * GROUP_RECORDS + CHAINED

_WORDS = RECORD_BYTES // 8
_I8, _I32, _I64 = ir.IntType(8), ir.IntType(32), ir.IntType(64)
_VECTOR, _HALF = ir.VectorType(_I64, _WORDS), ir.VectorType(_I64, _WORDS // 2)
_LOW_BY_LOW, _HIGH_BY_HIGH = 0x00, 0x11
_LANES = (0, 2, 1, 3)
"""Which record of a group each lane of 128 bits holds in the end."""

# A word is read as a number whose bit k stands for x^-k. Word i needs x^(64 * (8 - i)), of which
# the instruction supplies 64 powers when it takes the low half of the sum.
_POWERS = [times(zeros(8 * (_WORDS - 1 - index)), 1) for index in range(_WORDS)]
_EMPTY = times(zeros(RECORD_BYTES), ALL_ONES) ^ ALL_ONES
"""The checksum of a record of zeroes: what both inversions of a CRC32C add to any record."""
_SEED = times(power(ORDER - 64), _EMPTY)
"""The register that becomes `_EMPTY` after eight bytes of zeroes."""


@intrinsic
def sum_blocks(
    typing_context: Any, array: Any, start: Any, sums: Any, blocks: Any
) -> tuple[Any, Callable[..., Any]]:
    """The checksums of at least one block of records from `start` on, into `sums`."""
    signature = types.void(array, types.intp, sums, types.intp)

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> Any:
        array_value, start_value, sums_value, blocks_value = args
        data = context.make_array(sig.args[0])(context, builder, array_value).data
        out = context.make_array(sig.args[2])(context, builder, sums_value).data
        writer = _Writer(builder, builder.gep(data, [start_value]), out)
        writer.block(_i64(0), None)
        before, head = builder.block, builder.append_basic_block("blocks.head")
        body = builder.append_basic_block("blocks.body")
        after = builder.append_basic_block("blocks.after")
        builder.branch(head)
        builder.position_at_end(head)
        index = builder.phi(_I64)
        builder.cbranch(builder.icmp_signed("<", index, blocks_value), body, after)
        builder.position_at_end(body)
        writer.block(index, builder.sub(index, _i64(1)))
        index.add_incoming(_i64(1), before)
        index.add_incoming(builder.add(index, _i64(1)), builder.block)
        builder.branch(head)
        builder.position_at_end(after)
        for step in writer.reduce(builder.sub(blocks_value, _i64(1))):
            step()
        return context.get_dummy_value()

    return signature, generate


def _i64(value: int) -> ir.Constant:
    return ir.Constant(_I64, value)


class _Writer:
    """Writes the instructions for one block after the other."""

    def __init__(self, builder: ir.IRBuilder, data: Any, sums: Any) -> None:
        self._builder = builder
        self._data = data
        self._sums = sums
        self._remainders = alloca_once(builder, _VECTOR, size=GROUPS)
        self._remainders.align = RECORD_BYTES
        # Code that LLVM cannot look into may have changed them: so they stay in memory, where
        # the crc32 instruction takes them from; else LLVM would keep them in wide registers.
        self._opaque(ir.VoidType(), self._remainders, "r,~{memory}")
        kind = ir.FunctionType(_I64, [_I64, _I64])
        self._crc32 = get_or_insert_function(builder.module, kind, "llvm.x86.sse42.crc32.64.64")
        kind = ir.FunctionType(_VECTOR, [_VECTOR, _VECTOR, _I8])
        self._product = get_or_insert_function(builder.module, kind, "llvm.x86.pclmulqdq.512")

    def block(self, index: Any, previous: Any | None) -> None:
        """Multiply a block, and meanwhile reduce what is left of the one before, if any.

        A group's remainders are stored where those of the block before were, after these are
        reduced.
        """
        chains = list(self._chains(index))
        reductions = [] if previous is None else list(self.reduce(previous))
        words, total = self._words(index, 0), None
        for pair in range(PAIRS):
            products = self._products(words)
            if pair + 1 < PAIRS:
                words = self._words(index, pair + 1)
            for step in _share(reductions, pair) + _share(chains, pair):
                step()
            first, total = total, self._added(products)
            if pair % 2:
                self._store(self._folded(first, total), pair // 2)

    def reduce(self, index: Any) -> Iterator[Callable[[], None]]:
        """One step per multiplied record of a block: 96 bits to the checksum."""
        for group in range(GROUPS):
            for lane, record in enumerate(_LANES):
                yield lambda g=group, n=lane, r=record: self._reduce(index, g, n, r)  # type: ignore[misc]

    def _reduce(self, index: Any, group: int, lane: int, record: int) -> None:
        builder = self._builder
        words = builder.bitcast(self._remainder(group), _I64.as_pointer())
        low = builder.load(builder.gep(words, [_i64(2 * lane)]))
        high_word = builder.gep(words, [_i64(2 * lane + 1)])
        high = builder.load(builder.bitcast(high_word, _I32.as_pointer()))
        register = builder.call(self._crc32, [_i64(_SEED), low])
        checksum = builder.xor(builder.trunc(register, _I32), high)
        builder.store(checksum, self._sum(index, GROUP_RECORDS * group + record))

    def _chains(self, index: Any) -> Iterator[Callable[[], None]]:
        """One step per word: the records that only the instruction handles."""
        registers = [_i64(ALL_ONES)] * CHAINED
        for word in range(_WORDS):
            for number in range(CHAINED):
                yield lambda w=word, n=number: self._advance(index, registers, w, n)  # type: ignore[misc]

    def _advance(self, index: Any, registers: list[Any], word: int, number: int) -> None:
        builder = self._builder
        record = GROUPS * GROUP_RECORDS + number
        address = self._at(index, RECORD_BYTES * record + 8 * word)
        loaded = builder.load(builder.bitcast(address, _I64.as_pointer()))
        loaded.align = 1
        registers[number] = builder.call(self._crc32, [registers[number], loaded])
        if word == _WORDS - 1:
            narrow = builder.trunc(registers[number], _I32)
            inverted = builder.xor(narrow, ir.Constant(_I32, ALL_ONES))
            builder.store(inverted, self._sum(index, record))

    def _words(self, index: Any, pair: int) -> list[Any]:
        """The first and the last halves of a record and of the one two further on."""
        group, number = divmod(pair, 2)
        at = RECORD_BYTES * (GROUP_RECORDS * group + number)
        halves = (at, at + RECORD_BYTES // 2)
        return [self._halves(index, half, half + 2 * RECORD_BYTES) for half in halves]

    def _products(self, words: list[Any]) -> list[Any]:
        """Words times their powers, four multiplications in a row.

        Each takes a cycle in which the processor hands out no other instruction, and then it
        hands out six at a time: less is lost between few long rows than between many short.
        """
        products = []
        self._fence()
        for half, of_half in enumerate(words):
            powers = ir.Constant(
                _VECTOR, _POWERS[half * _WORDS // 2 : (half + 1) * _WORDS // 2] * 2
            )
            for which in (_LOW_BY_LOW, _HIGH_BY_HIGH):
                product = self._builder.call(
                    self._product, [of_half, powers, ir.Constant(_I8, which)]
                )
                products.append(self._opaque(_VECTOR, product, "=v,0"))
        self._fence()
        return products

    def _added(self, products: list[Any]) -> Any:
        return functools.reduce(self._builder.xor, products)

    def _folded(self, first: Any, second: Any) -> Any:
        """For two pairs of records: half of each record added to the other half."""
        even = self._lanes(first, second, (0, 2, 4, 6))
        return self._builder.xor(even, self._lanes(first, second, (1, 3, 5, 7)))

    def _store(self, remainders: Any, group: int) -> None:
        self._builder.store(remainders, self._remainder(group)).align = RECORD_BYTES

    def _halves(self, index: Any, *offsets: int) -> Any:
        """One register from two stretches of 32 bytes."""
        loaded = []
        for offset in offsets:
            address = self._builder.bitcast(self._at(index, offset), _HALF.as_pointer())
            loaded.append(self._builder.load(address))
            loaded[-1].align = 1
        everything = ir.Constant(ir.VectorType(_I32, _WORDS), list(range(_WORDS)))
        return self._builder.shuffle_vector(*loaded, everything)

    def _lanes(self, a: Any, b: Any, chosen: tuple[int, ...]) -> Any:
        """Four of the eight lanes of 128 bits of two registers."""
        words = [2 * lane + half for lane in chosen for half in (0, 1)]
        mask = ir.Constant(ir.VectorType(_I32, _WORDS), words)
        return self._builder.shuffle_vector(a, b, mask)

    def _fence(self) -> None:
        """A fence for LLVM: it would gather loads and stores, and units would idle."""
        kind = ir.FunctionType(ir.VoidType(), [])
        self._builder.asm(kind, "", "~{memory}", [], side_effect=True)

    def _opaque(self, result: Any, value: Any, constraint: str) -> Any:
        """Send a value through no code at all, at this place among the fences."""
        kind = ir.FunctionType(result, [value.type])
        return self._builder.asm(kind, "", constraint, [value], side_effect=True)

    def _at(self, index: Any, offset: int) -> Any:
        start = self._builder.mul(index, _i64(RECORD_BYTES * BLOCK_RECORDS))
        return self._builder.gep(self._data, [self._builder.add(start, _i64(offset))])

    def _sum(self, index: Any, record: int) -> Any:
        start = self._builder.mul(index, _i64(BLOCK_RECORDS))
        return self._builder.gep(self._sums, [self._builder.add(start, _i64(record))])

    def _remainder(self, group: int) -> Any:
        return self._builder.gep(self._remainders, [_i64(group)])


def _share(steps: list[Callable[[], None]], pair: int) -> list[Callable[[], None]]:
    """The steps to take after a pair is multiplied."""
    return steps[len(steps) * pair // PAIRS : len(steps) * (pair + 1) // PAIRS]
