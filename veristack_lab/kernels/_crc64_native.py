"""CRC-64/NVME as machine code: carry-less multiplication where available, and slicing-by-8.

The processor has no instruction for this polynomial. So long data is folded (see `_folding`) in
the widest registers whose words it can multiply, and tables handle the rest.

Importing this module imports numba.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from veristack_lab.kernels._crc64_polynomial import byte_tables, power
from veristack_lab.kernels._folding import Folding, folding
from veristack_lab.kernels._intrinsics import load_u64
from veristack_lab.kernels._jit import inlined, kernel
from veristack_lab.kernels._multiply import WIDEST_BITS, Factors

FOLDING = Folding(WIDEST_BITS or 128, Factors(power))
LEAST_BYTES = 512
"""Below, adding up the folded registers costs more than folding saves."""
_TABLES = byte_tables(8)
_BYTE = np.uint64(255)
_fold, _fold_bytes = folding(FOLDING), FOLDING.block_bytes


@inlined
def _step8(register: np.uint64, word: np.uint64) -> np.uint64:
    word ^= register
    return np.uint64(
        _TABLES[7, word & _BYTE]
        ^ _TABLES[6, word >> np.uint64(8) & _BYTE]
        ^ _TABLES[5, word >> np.uint64(16) & _BYTE]
        ^ _TABLES[4, word >> np.uint64(24) & _BYTE]
        ^ _TABLES[3, word >> np.uint64(32) & _BYTE]
        ^ _TABLES[2, word >> np.uint64(40) & _BYTE]
        ^ _TABLES[1, word >> np.uint64(48) & _BYTE]
        ^ _TABLES[0, word >> np.uint64(56)]
    )


@inlined
def _by_tables(register: np.uint64, data: Any, start: int) -> np.uint64:
    end = data.size
    while start + 8 <= end:
        register = _step8(register, load_u64(data, start))
        start += 8
    while start < end:
        changed = _TABLES[0, (register ^ np.uint64(data[start])) & _BYTE]
        register = changed ^ register >> np.uint64(8)
        start += 1
    return register


@inlined
def _by_folding(register: np.uint64, data: Any, start: int) -> np.uint64:
    if data.size - start >= LEAST_BYTES:
        blocks = (data.size - start) // _fold_bytes
        first, second = _fold(register, data, start, blocks)
        register = _step8(_step8(np.uint64(0), first), second)
        start += blocks * _fold_bytes
    return _by_tables(register, data, start)


# LLVM aborts the process for an instruction that the target lacks, even if it never runs.
_update = _by_folding if WIDEST_BITS else _by_tables


@kernel
def update(register: np.uint64, data: Any) -> np.uint64:
    """Let the bytes pass through a register (no inversion before or after)."""
    return _update(register, data, 0)
