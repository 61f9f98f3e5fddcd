"""Lab 01: CRC32C. Read README.md first; `veristack labs check 01` tells how far you are.

Numbers are unsigned and of 32 bits. Python's integers have no end, so nothing is cut off for
you, but nothing here ever grows either: it is all `^`, `&` and `>>`.
"""

POLYNOMIAL = 0x82F63B78
"""Castagnoli's polynomial with its bits reversed: the lowest bit is the highest power of x."""
ALL_ONES = 0xFFFFFFFF


def step(register: int, byte: int) -> int:
    """Task 1. The register after one byte has passed through it, bit by bit."""
    # BEGIN SOLUTION 1
    register ^= byte
    for _ in range(8):
        highest_power = register & 1
        register >>= 1
        if highest_power:
            register ^= POLYNOMIAL
    return register
    # END SOLUTION


def make_table() -> list[int]:
    """Task 2. For each of the 256 bytes, what it leaves in a register of zeroes."""
    # BEGIN SOLUTION 2
    return [step(0, byte) for byte in range(256)]
    # END SOLUTION


def crc32c(data: bytes, value: int = 0) -> int:
    """Task 3. The checksum of the data, going on from that of what came before (`value`)."""
    # BEGIN SOLUTION 3
    table = make_table()
    register = value ^ ALL_ONES
    for byte in data:
        register = table[(register ^ byte) & 0xFF] ^ (register >> 8)
    return register ^ ALL_ONES
    # END SOLUTION


def make_tables() -> list[list[int]]:
    """Task 4. Eight tables: in table k, what a byte leaves that k zero bytes follow."""
    # BEGIN SOLUTION 4
    tables = [make_table()]
    for _ in range(7):
        tables.append([tables[0][entry & 0xFF] ^ (entry >> 8) for entry in tables[-1]])
    return tables
    # END SOLUTION


def eight_bytes(tables: list[list[int]], register: int, chunk: bytes) -> int:
    """Task 4. The register after the eight bytes of `chunk`: eight look-ups, no loop of bits."""
    # BEGIN SOLUTION 4
    mixed = int.from_bytes(chunk, "little") ^ register
    result = 0
    for index, byte in enumerate(mixed.to_bytes(8, "little")):
        result ^= tables[7 - index][byte]
    return result
    # END SOLUTION


def combine(crc_a: int, crc_b: int, length_b: int) -> int:
    """Task 5. The checksum of A followed by B, without A and without B.

    `length_b` may be a terabyte: letting its zero bytes pass one by one takes too long.
    """
    # BEGIN SOLUTION 5
    # One zero bit as a linear map: entry i is what becomes of the register 1 << i.
    matrix = [POLYNOMIAL] + [1 << bit for bit in range(31)]
    for _ in range(3):
        matrix = [apply(matrix, column) for column in matrix]
    while length_b:
        if length_b & 1:
            crc_a = apply(matrix, crc_a)
        matrix = [apply(matrix, column) for column in matrix]
        length_b >>= 1
    return crc_a ^ crc_b
    # END SOLUTION


def apply(matrix: list[int], register: int) -> int:
    """Given: a linear map of registers, known by what it makes of each single bit."""
    result = 0
    for bit, column in enumerate(matrix):
        if register >> bit & 1:
            result ^= column
    return result
