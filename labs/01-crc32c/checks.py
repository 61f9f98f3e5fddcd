"""The checks of lab 01. The oracle is the lab's own kernel, itself held to RFC 3720."""

from __future__ import annotations

import random

from veristack_lab.kernels import crc32c as kernel
from veristack_lab.labs.checking import FirstBad, call, check, expect, show

ALL_ONES = 0xFFFFFFFF


def register_after(register: int, data: bytes) -> int:
    """What the kernel makes of a bare register: its inversions undone."""
    return kernel.crc32c(data, register ^ ALL_ONES) ^ ALL_ONES


class Counted(list):
    """A table that counts how often it is looked into."""

    looks = 0

    def __getitem__(self, index):
        self.looks += 1
        return super().__getitem__(index)


@check("1", "zeroes leave zeroes")
def nothing(work):
    expect(work, "step", 0, 0, returns=0)


@check("1", "the last bit of a byte brings the polynomial in")
def one_bit(work):
    expect(work, "step", 0, 0x80, returns=0x82F63B78)


@check("1", "any register, any byte")
def any_step(work):
    generator = random.Random(1)
    for _ in range(300):
        register, byte = generator.getrandbits(32), generator.getrandbits(8)
        expect(work, "step", register, byte, returns=register_after(register, bytes([byte])))


@check("2", "256 entries, each what its byte leaves")
def table(work):
    found = call(work, "make_table", expected="a list of 256 numbers")
    if not isinstance(found, list) or len(found) != 256:
        raise FirstBad("make_table()", "a list of 256 numbers", show(found))
    for byte, entry in enumerate(found):
        expected = register_after(0, bytes([byte]))
        if entry != expected:
            raise FirstBad(f"make_table()[{byte}]", show(expected), show(entry))


@check("3", "the value that every CRC32C is known by")
def check_value(work):
    expect(work, "crc32c", b"123456789", returns=0xE3069283)


@check("3", "the checksum of nothing is 0, also after something")
def empty(work):
    expect(work, "crc32c", b"", returns=0)
    expect(work, "crc32c", b"", 0xE3069283, returns=0xE3069283)


@check("3", "zeroes at the start count")
def leading_zeroes(work):
    expect(work, "crc32c", bytes(32), returns=0x8A9136AA)


@check("3", "a checksum goes on from any split")
def continued(work):
    data = bytes(range(64))
    for cut in range(0, 65, 8):
        first = call(work, "crc32c", data[:cut])
        expect(work, "crc32c", data[cut:], first, returns=kernel.crc32c(data))


@check("3", "a record that was torn anywhere is noticed")
def torn(work):
    record = b"put user:17 = 4096 bytes, all of them"
    whole = call(work, "crc32c", record)
    for kept in range(len(record)):
        found = call(work, "crc32c", record[:kept] + bytes(len(record) - kept))
        if found == whole:
            raise FirstBad(f"the record cut after {kept} bytes", "another checksum", show(found))


@check("4", "eight tables, each one zero byte further")
def tables(work):
    found = call(work, "make_tables", expected="8 lists of 256 numbers")
    if not isinstance(found, list) or [len(row) for row in found] != [256] * 8:
        raise FirstBad("make_tables()", "8 lists of 256 numbers", show(found))
    for k, row in enumerate(found):
        for byte, entry in enumerate(row):
            expected = register_after(0, bytes([byte]) + bytes(k))
            if entry != expected:
                raise FirstBad(f"make_tables()[{k}][{byte}]", show(expected), show(entry))


@check("4", "eight bytes through any register")
def chunks(work):
    generator = random.Random(4)
    found = call(work, "make_tables")
    for _ in range(200):
        register, chunk = generator.getrandbits(32), generator.randbytes(8)
        got = call(work, "eight_bytes", found, register, chunk)
        expected = register_after(register, chunk)
        if got != expected:
            given = f"eight_bytes(tables, {show(register)}, {show(chunk)})"
            raise FirstBad(given, show(expected), show(got))


@check("4", "one look into each table, no more")
def budget(work):
    counted = [Counted(row) for row in call(work, "make_tables")]
    call(work, "eight_bytes", counted, 0x12345678, b"8 bytes!")
    looks = [row.looks for row in counted]
    if looks != [1] * 8:
        raise FirstBad("look-ups per table for 8 bytes", show([1] * 8), show(looks))


@check("5", "A then B, for real data")
def joined(work):
    generator = random.Random(5)
    for _ in range(60):
        a, b = (
            generator.randbytes(generator.randrange(40)),
            generator.randbytes(generator.randrange(40)),
        )
        crc_a, crc_b = kernel.crc32c(a), kernel.crc32c(b)
        expect(work, "combine", crc_a, crc_b, len(b), returns=kernel.crc32c(a + b))


@check("5", "B may be a terabyte")
def long(work):
    crc_a, crc_b, length = 0xE3069283, 0x113FDB5C, 1 << 40
    expect(work, "combine", crc_a, crc_b, length, returns=kernel.combine(crc_a, crc_b, length))
