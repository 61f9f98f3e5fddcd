"""The CRC of two stretches of bytes, from the CRC of each: no byte is looked at again.

Appending B lets `len(B)` zero bytes pass through the register of A, which is one multiplication
by x^(8 * length) modulo the CRC's polynomial. For the CRCs of S3 whose initial value equals
their final inversion: CRC-32 (IEEE 802.3), CRC-32C and CRC-64/NVME. Plain Python: a part of an
upload has megabytes, and combining it costs microseconds.

Source: M. Adler, `crc32_combine` of zlib.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass

from veristack_lab.errors import InvalidInput

MAX_LENGTH = 1 << 64


@dataclass(frozen=True)
class CrcField:
    """Polynomials over GF(2) modulo that of a CRC, their bits reflected: the highest power of x
    stands in the lowest bit."""

    polynomial: int
    """Without its first term, reflected."""
    width: int
    """In bits."""

    def times(self, a: int, b: int) -> int:
        """The product of two polynomials."""
        product = 0
        for bit in range(self.width - 1, -1, -1):
            if a >> bit & 1:
                product ^= b
            b = b >> 1 ^ (self.polynomial if b & 1 else 0)
        return product

    def combine(self, crc_a: int, crc_b: int, length_b: int) -> int:
        """The CRC of A followed by B, from the CRCs of both and the length of B in bytes.

        Raises:
            InvalidInput: the length is negative, or does not fit into 64 bits.
        """
        if not 0 <= length_b < MAX_LENGTH:
            raise InvalidInput(f"a length of {length_b} bytes is negative or beyond 64 bits")
        return self.times(_zeros(self, length_b), crc_a) ^ crc_b

    def combine_all(self, parts: Iterable[tuple[int, int]]) -> int:
        """The CRC of all parts in their order; each is its CRC and its length in bytes."""
        found = 0
        for crc, length in parts:
            found = self.combine(found, crc, length)
        return found


CRC32 = CrcField(0xEDB88320, 32)
"""IEEE 802.3, the one of zlib."""
CRC32C = CrcField(0x82F63B78, 32)
"""Castagnoli (RFC 3720)."""
CRC64NVME = CrcField(0x9A6C9329AC4BC9B5, 64)
"""NVM Express, NVM Command Set Specification, section 5.2.1.3.4."""


@functools.lru_cache(maxsize=256)
def _zeros(field: CrcField, length: int) -> int:
    """x^(8 * length). Kept, for the parts of an upload mostly have one length."""
    power = 1 << field.width - 1
    for k in range(length.bit_length()):
        if length >> k & 1:
            power = field.times(power, _squares(field)[k])
    return power


@functools.cache
def _squares(field: CrcField) -> tuple[int, ...]:
    """x^(8 * 2^k) for k = 0..63."""
    square = 1 << field.width - 9
    found = []
    for _ in range(64):
        found.append(square)
        square = field.times(square, square)
    return tuple(found)
