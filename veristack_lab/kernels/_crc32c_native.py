"""CRC32C as machine code: the processor's own instruction, or slicing-by-8 where it has none.

Importing this module imports numba. LLVM aborts the whole process when it is asked for an
instruction that the target lacks, so the instruction is only mentioned if numba's effective
target (not /proc/cpuinfo: `NUMBA_CPU_NAME` may say otherwise) has the feature `+crc32`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from veristack_lab.kernels import _batch, _folding
from veristack_lab.kernels._batch import sum_blocks
from veristack_lab.kernels._folding import fold
from veristack_lab.kernels._intrinsics import (
    FEATURES,
    crc32_u8,
    crc32_u32,
    crc32_u64,
    load_u32,
    load_u64,
)
from veristack_lab.kernels._jit import inlined, kernel
from veristack_lab.kernels._polynomial import byte_tables, multiplier_tables, zeros

HARDWARE = "+crc32" in FEATURES
"""Whether the machine code that numba makes here may hold the crc32 instruction."""

BLOCK_BYTES = _folding.BLOCK_BYTES
BLOCK_RECORDS, RECORD_BYTES = _batch.BLOCK_RECORDS, _batch.RECORD_BYTES
MIN_BLOCKS = 4
"""Below, reducing the folded registers costs more than folding saves."""
SHORT_BYTES = 1024
"""Stretches of up to this length on average are summed four together."""
LANE_BYTES = 2048
"""Length of each of the three stripes that are summed at the same time."""
_TABLES = byte_tables(8)
_ONE_LANE = multiplier_tables(zeros(LANE_BYTES))
_TWO_LANES = multiplier_tables(zeros(2 * LANE_BYTES))

_ALL_ONES = np.uint64(0xFFFFFFFF)


@inlined
def _times(register: np.uint64, tables: Any) -> np.uint64:
    """Multiply a register by the polynomial the tables were made for."""
    return np.uint64(
        tables[0, register & np.uint64(255)]
        ^ tables[1, register >> np.uint64(8) & np.uint64(255)]
        ^ tables[2, register >> np.uint64(16) & np.uint64(255)]
        ^ tables[3, register >> np.uint64(24)]
    )


@inlined
def update_short(register: np.uint64, data: Any, start: int, end: int) -> np.uint64:
    """Data of up to some hundred bytes: one dependent chain of crc32 instructions."""
    while start + 8 <= end:
        register = crc32_u64(register, load_u64(data, start))
        start += 8
    if start + 4 <= end:
        register = crc32_u32(register, load_u32(data, start))
        start += 4
    while start < end:
        register = crc32_u8(register, data[start])
        start += 1
    return register


@kernel
def update_hardware(register: np.uint64, data: Any, start: int, end: int) -> np.uint64:
    """Three stripes at a time: the instruction takes 3 cycles but one can start every cycle.

    Source: V. Gopal et al., "Fast CRC computation for iSCSI polynomial using CRC32
    instruction", Intel (2011).
    """
    while start + 3 * LANE_BYTES <= end:
        second, third = np.uint64(0), np.uint64(0)
        for index in range(start, start + LANE_BYTES, 8):
            register = crc32_u64(register, load_u64(data, index))
            second = crc32_u64(second, load_u64(data, index + LANE_BYTES))
            third = crc32_u64(third, load_u64(data, index + 2 * LANE_BYTES))
        register = _times(register, _TWO_LANES) ^ _times(second, _ONE_LANE) ^ third
        start += 3 * LANE_BYTES
    return update_short(register, data, start, end)


@inlined
def slice8(register: np.uint64, word: np.uint64) -> np.uint64:
    """Eight bytes through eight look-ups that do not depend on each other."""
    byte = np.uint64(255)
    word ^= register
    return np.uint64(
        _TABLES[7, word & byte]
        ^ _TABLES[6, word >> np.uint64(8) & byte]
        ^ _TABLES[5, word >> np.uint64(16) & byte]
        ^ _TABLES[4, word >> np.uint64(24) & byte]
        ^ _TABLES[3, word >> np.uint64(32) & byte]
        ^ _TABLES[2, word >> np.uint64(40) & byte]
        ^ _TABLES[1, word >> np.uint64(48) & byte]
        ^ _TABLES[0, word >> np.uint64(56)]
    )


@inlined
def slice4(register: np.uint64, word: np.uint64) -> np.uint64:
    """Four bytes through four look-ups."""
    byte = np.uint64(255)
    word ^= register
    return np.uint64(
        _TABLES[3, word & byte]
        ^ _TABLES[2, word >> np.uint64(8) & byte]
        ^ _TABLES[1, word >> np.uint64(16) & byte]
        ^ _TABLES[0, word >> np.uint64(24)]
    )


@inlined
def slice1(register: np.uint64, byte: Any) -> np.uint64:
    """One byte through one look-up."""
    changed = _TABLES[0, (register ^ np.uint64(byte)) & np.uint64(255)]
    return np.uint64(changed) ^ register >> np.uint64(8)


@kernel
def update_slicing(register: np.uint64, data: Any, start: int, end: int) -> np.uint64:
    """Slicing-by-8, for processors without the instruction."""
    while start + 8 <= end:
        register = slice8(register, load_u64(data, start))
        start += 8
    while start < end:
        register = slice1(register, data[start])
        start += 1
    return register


@inlined
def update_folding(register: np.uint64, data: Any, start: int, end: int) -> np.uint64:
    """Carry-less multiplication for the bulk, the crc32 instruction for the rest."""
    blocks = (end - start) // BLOCK_BYTES
    if blocks >= MIN_BLOCKS:
        register = fold(register, data, start, blocks)
        start += blocks * BLOCK_BYTES
    return update_short(register, data, start, end)


step8, step4, step1 = (crc32_u64, crc32_u32, crc32_u8) if HARDWARE else (slice8, slice4, slice1)
"""Eight, four bytes and one through a register, the best way there is here."""
update = update_folding if _folding.AVAILABLE else update_hardware if HARDWARE else update_slicing
"""The best there is here: `update(register, data, start, end)` without any inversion."""
finish = update_short if HARDWARE else update_slicing
"""The best for what is left of a short stretch."""


@kernel
def checksum(data: Any, value: int) -> Any:
    """The CRC32C of all the data, going on from that of what came before."""
    register = np.uint64(value) ^ _ALL_ONES
    return np.int64(update(register, data, 0, data.size) ^ _ALL_ONES)


@inlined
def four_together(data: Any, offsets: Any, index: int, sums: Any) -> None:
    """Four short stretches at a time, so that their chains of instructions overlap."""
    a, b, c, d = offsets[index], offsets[index + 1], offsets[index + 2], offsets[index + 3]
    e = offsets[index + 4]
    shared = min(b - a, c - b, d - c, e - d) & -8
    w, x, y, z = _ALL_ONES, _ALL_ONES, _ALL_ONES, _ALL_ONES
    at = 0
    while at < shared:
        w = step8(w, load_u64(data, a + at))
        x = step8(x, load_u64(data, b + at))
        y = step8(y, load_u64(data, c + at))
        z = step8(z, load_u64(data, d + at))
        at += 8
    if e - a != 4 * shared:
        w, x = finish(w, data, a + shared, b), finish(x, data, b + shared, c)
        y, z = finish(y, data, c + shared, d), finish(z, data, d + shared, e)
    sums[index] = np.uint32(w ^ _ALL_ONES)
    sums[index + 1] = np.uint32(x ^ _ALL_ONES)
    sums[index + 2] = np.uint32(y ^ _ALL_ONES)
    sums[index + 3] = np.uint32(z ^ _ALL_ONES)


@inlined
def _all_of(length: int, data: Any, offsets: Any) -> bool:
    """Whether the stretches follow each other in the arena and all have this length."""
    first, count = offsets[0], offsets.size - 1
    different = 0
    for index in range(count + 1):
        different |= offsets[index] ^ (first + length * index)
    return different == 0 and first >= 0 and first + length * count <= data.size


@inlined
def _rise(offsets: Any, size: int) -> Any:
    """Whether all stretches lie within the arena, and none ends before it starts."""
    # Without an early end LLVM compares eight at a time; else this takes two cycles for each.
    falling = 0
    for index in range(offsets.size - 1):
        falling |= int(offsets[index + 1] < offsets[index])
    return falling == 0 and offsets[0] >= 0 and offsets[offsets.size - 1] <= size


@inlined
def _in_blocks(data: Any, offsets: Any, sums: Any) -> Any:
    """The checksums of records of 64 bytes, by blocks; how many there are then.

    If any, then all offsets are good, also those of the records that fill no block.
    """
    blocks = sums.size // BLOCK_RECORDS
    if blocks == 0 or not _all_of(RECORD_BYTES, data, offsets):
        return 0
    sum_blocks(data, offsets[0], sums, blocks)
    return blocks * BLOCK_RECORDS


@inlined
def _none_in_blocks(data: Any, offsets: Any, sums: Any) -> int:  # noqa: ARG001 -- as the other
    return 0


begin_many = _in_blocks if _batch.AVAILABLE else _none_in_blocks
"""What can be done side by side in wide registers, where there are any."""


@kernel
def update_many(data: Any, offsets: Any, sums: Any) -> int:
    """The CRC32C of each stretch between two offsets; -1, or the first bad stretch."""
    size, count = data.size, sums.size
    index = begin_many(data, offsets, sums)
    if index == 0 < count and not _rise(offsets, size):
        for later in range(count):
            start, end = offsets[later], offsets[later + 1]
            if start < 0 or end < start or end > size:
                return later
    while index < count:
        if index + 4 <= count and offsets[index + 4] - offsets[index] <= 4 * SHORT_BYTES:
            four_together(data, offsets, index, sums)
            index += 4
        else:
            register = update(_ALL_ONES, data, offsets[index], offsets[index + 1])
            sums[index] = np.uint32(register ^ _ALL_ONES)
            index += 1
    return -1
