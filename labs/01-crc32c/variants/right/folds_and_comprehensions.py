"""Everything by functools.reduce and operator.xor."""

from functools import reduce
from operator import xor


def shifted(register, _):
    return register >> 1 ^ -(register & 1) & POLYNOMIAL


def step(register, byte):
    return reduce(shifted, range(8), register ^ byte)


def make_table():
    return list(map(lambda byte: step(0, byte), range(256)))


def crc32c(data, value=0):
    table = make_table()
    fold = lambda register, byte: table[(register ^ byte) % 256] ^ register // 256
    return ALL_ONES - reduce(fold, data, ALL_ONES - value)


def eight_bytes(tables, register, chunk):
    first = (register ^ int.from_bytes(chunk[:4], "little")).to_bytes(4, "little")
    return reduce(xor, (row[byte] for row, byte in zip(reversed(tables), first + chunk[4:])))
