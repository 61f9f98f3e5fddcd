"""CRC32C as machine code, of one buffer or of many stretches, by the best tier of this processor.

`_tiers` lists the tiers. Importing this module imports numba.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from veristack_lab.kernels import _tiers
from veristack_lab.kernels._intrinsics import load_u64
from veristack_lab.kernels._jit import inlined, kernel

SHORT_BYTES = 1024
"""Stretches of up to this length on average are summed four together."""

_ALL_ONES = np.uint64(0xFFFFFFFF)
_means = _tiers.loaded(_tiers.CHOSEN)
step8, step4, step1 = _means.step8, _means.step4, _means.step1
"""Eight, four bytes and one through a register."""
update = _means.update
"""`update(register, data, start, end)`, without any inversion."""
finish = _means.finish
"""The same for the rest of a short stretch."""
begin_many = _means.begin_many
"""Sums stretches side by side. Returns how many are done; their offsets are then known to be
good."""


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
def _rise(offsets: Any, size: int) -> Any:
    """Whether all stretches lie within the arena, and none ends before it starts."""
    # Without an early end LLVM compares eight at a time; else this takes two cycles for each.
    falling = 0
    for index in range(offsets.size - 1):
        falling |= int(offsets[index + 1] < offsets[index])
    return falling == 0 and offsets[0] >= 0 and offsets[offsets.size - 1] <= size


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
