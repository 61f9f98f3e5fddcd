"""Framing and decoding of log records as machine code, a whole group in one call.

Importing this module imports numba. Nothing here raises: bad input comes back as a number.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from veristack_lab.kernels._crc32c_native import step1, step4, step8, update
from veristack_lab.kernels._intrinsics import load_u32, load_u64, store_u64
from veristack_lab.kernels._jit import inlined, kernel
from veristack_lab.kernels._records_python import (
    BAD_CRC,
    BAD_LENGTH,
    END,
    LAST_LSN,
    SHORT,
    WRONG_EPOCH,
    WRONG_LSN,
)

ALL_ONES = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)
MAX_LSN = np.uint64(LAST_LSN)
HEADER_BYTES = 24
CRC_BYTES = 4
LONG = 4096
"""Above this size, copying and checksumming separately is faster."""


@inlined
def _copy_short(register: Any, source: Any, start: Any, end: Any, out: Any, at: Any) -> Any:
    """Copy a payload and checksum it on the way: each word is loaded once."""
    while start + 8 <= end:
        word = load_u64(source, start)
        store_u64(out, at, word)
        register = step8(register, word)
        start += 8
        at += 8
    if start + 4 <= end:
        register = step4(register, load_u32(source, start))
        for index in range(4):
            out[at + index] = source[start + index]
        start += 4
        at += 4
    while start < end:
        out[at] = source[start]
        register = step1(register, source[start])
        start += 1
        at += 1
    return register


@kernel
def _copy_long(register: Any, source: Any, start: Any, end: Any, out: Any, at: Any) -> Any:
    """Copy, then checksum in stripes: quicker once a payload is longer than they are."""
    for index in range(end - start):
        out[at + index] = source[start + index]
    return update(register, source, start, end)


@kernel
def frame(arena: Any, offsets: Any, kinds: Any, first_lsn: Any, epoch: Any, out: Any) -> int:
    """Fill `out` (exactly as long as needed) with records; -1, or the first bad payload."""
    size = arena.size
    at = 0
    for index in range(kinds.size):
        start, end = offsets[index], offsets[index + 1]
        length = end - start
        if start < 0 or length < 0 or end > size or at + HEADER_BYTES + length > out.size:
            return index
        lsn = np.uint64(first_lsn) + np.uint64(index)
        tail = np.uint64(epoch) | np.uint64(kinds[index]) << HALF
        # From the numbers and the arena, not from what was just stored: loads that overlap
        # two fresh stores would each stall the processor.
        crc = step8(ALL_ONES, np.uint64(length) | lsn << HALF)
        crc = step8(crc, lsn >> HALF | tail << HALF)
        crc = step4(crc, tail >> HALF)
        body = at + HEADER_BYTES
        if length < LONG:
            crc = _copy_short(crc, arena, start, end, out, body)
        else:
            crc = _copy_long(crc, arena, start, end, out, body)
        store_u64(out, at, (crc ^ ALL_ONES) | np.uint64(length) << HALF)
        store_u64(out, at + 8, lsn)
        store_u64(out, at + 16, tail)
        at = body + length
    return -1


@kernel
def decode(
    buffer: Any,
    offset: Any,
    next_lsn: Any,
    epoch: Any,
    max_length: Any,
    payload_offsets: Any,
    payload_lengths: Any,
    kinds: Any,
) -> tuple[Any, Any, Any]:
    """Decode until something is wrong or the arrays are full: (records, end offset, stop)."""
    size = buffer.size
    count = 0
    while count < kinds.size:
        if offset == size:
            return count, offset, END
        if size - offset < HEADER_BYTES:
            return count, offset, SHORT
        first = load_u64(buffer, offset)
        length = np.intp(first >> HALF)
        if length > max_length:
            return count, offset, BAD_LENGTH
        end = offset + HEADER_BYTES + length
        if end > size:
            return count, offset, SHORT
        if update(ALL_ONES, buffer, offset + CRC_BYTES, end) ^ ALL_ONES != first & ALL_ONES:
            return count, offset, BAD_CRC
        last = load_u64(buffer, offset + 16)
        if last & ALL_ONES != np.uint64(epoch):
            return count, offset, WRONG_EPOCH
        if load_u64(buffer, offset + 8) != np.uint64(next_lsn) + np.uint64(count):
            return count, offset, WRONG_LSN
        payload_offsets[count] = offset + HEADER_BYTES
        payload_lengths[count] = length
        kinds[count] = np.uint8(last >> HALF & np.uint64(255))
        count += 1
        offset = end
    return count, offset, END


@kernel
def find(buffer: Any, start: Any, epoch: Any, due_lsn: Any, max_length: Any, kinds: Any) -> int:
    """The first whole record at or after `start` whose type is marked in `kinds`; or -1."""
    size = buffer.size
    wanted = np.uint64(epoch)
    for offset in range(start, size - HEADER_BYTES + 1):
        last = load_u64(buffer, offset + 16)
        if last & ALL_ONES != wanted:
            continue
        tail = last >> HALF
        if tail > np.uint64(255) or not kinds[np.intp(tail)]:
            continue
        lsn = load_u64(buffer, offset + 8)
        if lsn < np.uint64(due_lsn) or lsn >= MAX_LSN:
            continue
        first = load_u64(buffer, offset)
        length: Any = np.intp(first >> HALF)
        end = offset + HEADER_BYTES + length
        if length > max_length or end > size:
            continue
        if update(ALL_ONES, buffer, offset + CRC_BYTES, end) ^ ALL_ONES == first & ALL_ONES:
            return offset
    return -1
