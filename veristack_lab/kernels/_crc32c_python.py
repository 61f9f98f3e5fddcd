"""CRC32C without machine code: the oracle of the other tiers, and the fallback without numba."""

from __future__ import annotations

import functools
import struct

from veristack_lab.kernels._polynomial import byte_tables

WORD = struct.Struct("<I")


@functools.cache
def _tables() -> tuple[list[int], list[int], list[int], list[int]]:
    """Four tables of 256, the one for the oldest of four bytes first."""
    oldest, second, third, newest = byte_tables(WORD.size)[::-1].tolist()
    return oldest, second, third, newest


def update(register: int, data: memoryview) -> int:
    """Let the bytes pass through a register (no inversion before or after): slicing-by-4.

    Args:
        register: 32 bits.
        data: contiguous, of format B.
    """
    a, b, c, d = _tables()
    whole = len(data) - len(data) % WORD.size
    for (word,) in WORD.iter_unpack(data[:whole]):
        word ^= register
        register = a[word & 255] ^ b[word >> 8 & 255] ^ c[word >> 16 & 255] ^ d[word >> 24]
    for byte in data[whole:]:
        register = d[(register ^ byte) & 255] ^ register >> 8
    return register
