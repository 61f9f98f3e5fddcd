"""CRC-64/NVME as machine code: slicing-by-8. Importing this module imports numba."""

from __future__ import annotations

from typing import Any

import numpy as np

from veristack_lab.kernels._intrinsics import load_u64
from veristack_lab.kernels._jit import kernel
from veristack_lab.kernels.crc64nvme import byte_tables

_TABLES = byte_tables(8)
_BYTE = np.uint64(255)


@kernel
def update(register: np.uint64, data: Any) -> np.uint64:
    """Let the bytes pass through a register (no inversion before or after)."""
    start, end = 0, data.size
    while start + 8 <= end:
        word = load_u64(data, start) ^ register
        register = (
            _TABLES[7, word & _BYTE]
            ^ _TABLES[6, word >> np.uint64(8) & _BYTE]
            ^ _TABLES[5, word >> np.uint64(16) & _BYTE]
            ^ _TABLES[4, word >> np.uint64(24) & _BYTE]
            ^ _TABLES[3, word >> np.uint64(32) & _BYTE]
            ^ _TABLES[2, word >> np.uint64(40) & _BYTE]
            ^ _TABLES[1, word >> np.uint64(48) & _BYTE]
            ^ _TABLES[0, word >> np.uint64(56)]
        )
        start += 8
    while start < end:
        register = _TABLES[0, (register ^ np.uint64(data[start])) & _BYTE] ^ register >> np.uint64(
            8
        )
        start += 1
    return register
