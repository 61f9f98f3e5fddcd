"""The checksum takes eight bytes at a time with tables that are kept, and the tail one by one."""

from functools import cache


@cache
def kept_tables():
    return make_tables()


def crc32c(data, value=0):
    tables, register = kept_tables(), value ^ ALL_ONES
    whole = len(data) // 8 * 8
    for start in range(0, whole, 8):
        register = eight_bytes(tables, register, data[start : start + 8])
    for byte in data[whole:]:
        register = tables[0][(register ^ byte) & 0xFF] ^ (register >> 8)
    return register ^ ALL_ONES
