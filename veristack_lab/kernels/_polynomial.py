"""CRC32C as arithmetic on polynomials over GF(2), and the tables that follow from it.

A CRC register is a polynomial of degree below 32, its bits reflected: the highest power of x
stands in the lowest bit, so multiplying by x is a shift to the right. Castagnoli's polynomial
is the one of RFC 3720 (iSCSI).
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import numpy.typing as npt

POLYNOMIAL = 0x82F63B78
"""x^32 + x^28 + x^27 + ... + x^6 + 1 without its first term, reflected."""
ONE = 1 << 31
"""The polynomial 1."""
ALL_ONES = 0xFFFFFFFF
"""What a register starts with, and what is added to it in the end."""
ORDER = (1 << 31) - 1
"""x to this power is 1, for the polynomial is x + 1 times a primitive one of degree 31."""


def times(a: int, b: int) -> int:
    """The product of two polynomials modulo Castagnoli's."""
    product = 0
    for bit in range(31, -1, -1):
        if a >> bit & 1:
            product ^= b
        b = b >> 1 ^ (POLYNOMIAL if b & 1 else 0)
    return product


@functools.cache
def _squares() -> tuple[int, ...]:
    """x^(8 * 2^k) for k = 0..63: the effect of 2^k zero bytes."""
    square = ONE >> 8
    found = []
    for _ in range(64):
        found.append(square)
        square = times(square, square)
    return tuple(found)


def zeros(length: int) -> int:
    """x^(8 * length): multiply a register by it to let `length` zero bytes pass."""
    power, k = ONE, 0
    while length:
        if length & 1:
            power = times(power, _squares()[k])
        length >>= 1
        k += 1
    return power


def power(exponent: int) -> int:
    """x^exponent."""
    return times(zeros(exponent // 8), ONE >> exponent % 8)


def byte_tables(count: int) -> npt.NDArray[np.uint32]:
    """`count` tables of 256: table k is what a byte does to the register k bytes later.

    Source: M. Kounavis and F. Berry, "A systematic approach to building high performance
    software-based CRC generators" (2005), known as slicing-by-`count`.
    """
    tables = np.zeros((count, 256), np.uint32)
    register: npt.NDArray[Any] = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        register = (register >> 1) ^ np.where(register & 1, np.uint32(POLYNOMIAL), np.uint32(0))
    tables[0] = register
    for k in range(1, count):
        tables[k] = (tables[k - 1] >> 8) ^ tables[0][tables[k - 1] & 0xFF]
    return tables


def multiplier_tables(factor: int) -> npt.NDArray[np.uint32]:
    """4 tables of 256 that multiply a register by `factor`: one look-up for each of its bytes."""
    bits = np.array([times(1 << bit, factor) for bit in range(32)], np.uint32)
    tables = np.zeros((4, 256), np.uint32)
    for index in range(4):
        for bit in range(8):
            chosen = (np.arange(256) >> bit & 1).astype(bool)
            tables[index, chosen] ^= bits[8 * index + bit]
    return tables
