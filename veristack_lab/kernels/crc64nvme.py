"""CRC-64/NVME, the checksum that newer clients of S3 send by default.

Machine code where it pays (carry-less multiplication and slicing-by-8), else plain Python with
one table; both give the same answers. No wheel that the lab installs has this polynomial.

Source: NVM Express, NVM Command Set Specification, section 5.2.1.3.4 (64b CRC); M. Kounavis
and F. Berry, "A systematic approach to building high performance software-based CRC
generators" (2005).
"""

from __future__ import annotations

import functools
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from veristack_lab.errors import InvalidInput
from veristack_lab.kernels._crc64_polynomial import byte_tables
from veristack_lab.kernels._jit import native_budget
from veristack_lab.kernels.crc32c import as_bytes

if TYPE_CHECKING:
    from veristack_lab.kernels.crc32c import Buffer

ALL_ONES = 0xFFFFFFFFFFFFFFFF


def crc64nvme(data: Buffer, value: int = 0) -> int:
    """The CRC of the bytes, or of all bytes so far if `value` is the checksum of the earlier ones.

    Args:
        data: any contiguous buffer of bytes.
        value: the checksum of what came before, 0 at the start.

    Raises:
        InvalidInput: `value` is not an unsigned 64-bit number, or the buffer has gaps.
    """
    if not 0 <= value <= ALL_ONES:
        raise InvalidInput(f"{value} is not a CRC; a checksum is between 0 and {ALL_ONES}")
    array = as_bytes(data)
    if native_budget.pays(array.size):
        register = int(_native().update(np.uint64(value ^ ALL_ONES), array))
    else:
        register = update(value ^ ALL_ONES, array.data)
    return register ^ ALL_ONES


def update(register: int, data: memoryview) -> int:
    """Let the bytes pass through a register (no inversion before or after), byte by byte."""
    table = _byte_table()
    for byte in data:
        register = table[(register ^ byte) & 255] ^ register >> 8
    return register


@functools.cache
def _byte_table() -> list[int]:
    table: list[int] = byte_tables(1)[0].tolist()
    return table


@functools.cache
def _native() -> ModuleType:
    from veristack_lab.kernels import _crc64_native

    return _crc64_native
