"""The polynomial of CRC-64/NVME: its powers, and the tables that follow from it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

POLYNOMIAL = 0x9A6C9329AC4BC9B5
"""x^64 + x^63 + x^61 + ... + x^4 + x^2 + 1 without its first term, reflected."""


def power(exponent: int) -> int:
    """x^exponent modulo the polynomial, whose x^0 stands in bit 63."""
    register = 1 << 63
    for _ in range(exponent):
        register = register >> 1 ^ (POLYNOMIAL if register & 1 else 0)
    return register


def byte_tables(count: int) -> npt.NDArray[np.uint64]:
    """`count` tables of 256: table k is what a byte does to the register k bytes later."""
    tables = np.zeros((count, 256), np.uint64)
    register: npt.NDArray[Any] = np.arange(256, dtype=np.uint64)
    one = np.uint64(1)
    for _ in range(8):
        register = (register >> one) ^ np.where(register & one, np.uint64(POLYNOMIAL), np.uint64(0))
    tables[0] = register
    for k in range(1, count):
        tables[k] = (tables[k - 1] >> np.uint64(8)) ^ tables[0][tables[k - 1] & np.uint64(0xFF)]
    return tables
