"""CRC32C by look-ups in tables, for processors without an instruction for it.

Importing this module imports numba.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from veristack_lab.kernels._intrinsics import load_u64
from veristack_lab.kernels._jit import inlined, kernel
from veristack_lab.kernels._polynomial import byte_tables

_TABLES = byte_tables(8)


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
