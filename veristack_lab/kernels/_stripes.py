"""CRC32C by the processor's own instruction: one chain of it, or three at a time.

Importing this module imports numba; only a processor with the instruction may call what is here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from veristack_lab.kernels._instruction import crc32_u8, crc32_u32, crc32_u64
from veristack_lab.kernels._intrinsics import load_u32, load_u64
from veristack_lab.kernels._jit import inlined, kernel
from veristack_lab.kernels._polynomial import multiplier_tables, zeros

LANE_BYTES = 2048
"""Length of each of the three stripes that are summed at the same time."""
_ONE_LANE = multiplier_tables(zeros(LANE_BYTES))
_TWO_LANES = multiplier_tables(zeros(2 * LANE_BYTES))


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
