"""Lab 01: CRC32C. Read README.md first; `veristack labs check 01` tells how far you are.

Numbers are unsigned and of 32 bits. Python's integers have no end, so nothing is cut off for
you, but nothing here ever grows either: it is all `^`, `&` and `>>`.
"""

POLYNOMIAL = 0x82F63B78
"""Castagnoli's polynomial with its bits reversed: the lowest bit is the highest power of x."""
ALL_ONES = 0xFFFFFFFF


def step(register: int, byte: int) -> int:
    """Task 1. The register after one byte has passed through it, bit by bit."""
    raise NotImplementedError("task 1")


def make_table() -> list[int]:
    """Task 2. For each of the 256 bytes, what it leaves in a register of zeroes."""
    raise NotImplementedError("task 2")


def crc32c(data: bytes, value: int = 0) -> int:
    """Task 3. The checksum of the data, going on from that of what came before (`value`)."""
    raise NotImplementedError("task 3")


def make_tables() -> list[list[int]]:
    """Task 4. Eight tables: in table k, what a byte leaves that k zero bytes follow."""
    raise NotImplementedError("task 4")


def eight_bytes(tables: list[list[int]], register: int, chunk: bytes) -> int:
    """Task 4. The register after the eight bytes of `chunk`: eight look-ups, no loop of bits."""
    raise NotImplementedError("task 4")


def combine(crc_a: int, crc_b: int, length_b: int) -> int:
    """Task 5. The checksum of A followed by B, without A and without B.

    `length_b` may be a terabyte: letting its zero bytes pass one by one takes too long.
    """
    raise NotImplementedError("task 5")


def apply(matrix: list[int], register: int) -> int:
    """Given: a linear map of registers, known by what it makes of each single bit."""
    result = 0
    for bit, column in enumerate(matrix):
        if register >> bit & 1:
            result ^= column
    return result
