"""The checks of lab 01. The oracle is the lab's own kernel, itself held to RFC 3720."""

from __future__ import annotations

import random

from veristack_lab.kernels import crc32c as kernel
from veristack_lab.labs import pictures
from veristack_lab.labs.checking import FirstBad, bad, call, check, show

ALL_ONES = 0xFFFFFFFF


def register_after(register: int, data: bytes) -> int:
    """What the kernel makes of a bare register: its inversions undone."""
    return kernel.crc32c(data, register ^ ALL_ONES) ^ ALL_ONES


def expect(work, name, *arguments, returns, given=""):
    """The learner's function gives this number of 32 bits."""
    got = call(work, name, *arguments, given=given, expected=show(returns), shape=int)
    expect_number(got, returns)


def expect_number(got, expected, given=""):
    """The answer to the last call is this number of 32 bits."""
    if got == expected:
        return
    if not 0 <= got <= ALL_ONES:
        bad(f"{show(expected)}, 32 bits without a sign", show(got), given=given)
    rows = ("expected", expected), ("got", got)
    bad(show(expected), show(got), given=given, picture=pictures.of_bits("bit by bit", *rows))


@check("1", "zeroes leave zeroes")
def nothing(work):
    expect(work, "step", 0, 0, returns=0)


@check("1", "the last bit of a byte brings the polynomial in")
def one_bit(work):
    expect(work, "step", 0, 0x80, returns=0x82F63B78)


@check("1", "any register, any byte")
def any_step(work):
    generator = random.Random(1)
    corners = [(0, 1), (ALL_ONES, 0), (ALL_ONES, 255), (1 << 31, 0), (1, 1), (0x100, 0)]
    for register, byte in corners + [
        (generator.getrandbits(32), generator.getrandbits(8)) for _ in range(300)
    ]:
        expect(work, "step", register, byte, returns=register_after(register, bytes([byte])))


@check("2", "256 entries, each what its byte leaves")
def table(work):
    for _ in range(2):  # a second table is as good as the first
        found = call(work, "make_table", expected="a list of 256 numbers", shape=[int])
        expect_table(found, "make_table()", 0)


def expect_table(found, given, zeroes):
    """A table of what each byte leaves that is followed by a number of zero bytes."""
    if len(found) != 256:
        bad("256 numbers", f"{len(found)} numbers", given=given)
    for byte, entry in enumerate(found):
        expected = register_after(0, bytes([byte]) + bytes(zeroes))
        expect_number(entry, expected, f"{given}[{byte}]")


@check("3", "the value that every CRC32C is known by")
def check_value(work):
    expect(work, "crc32c", b"123456789", returns=0xE3069283)


@check("3", "the checksum of nothing is 0, also after something")
def empty(work):
    expect(work, "crc32c", b"", returns=0)
    expect(work, "crc32c", b"", 0xE3069283, returns=0xE3069283)


@check("3", "zeroes at the start count")
def leading_zeroes(work):
    for count in (32, 1, 33):
        expect(work, "crc32c", bytes(count), returns=kernel.crc32c(bytes(count)))


@check("3", "every length, every byte")
def every_length(work):
    data = random.Random(3).randbytes(300)
    for size in [*range(70), 127, 128, 255, 256, 257, 300]:
        expect(work, "crc32c", data[:size], returns=kernel.crc32c(data[:size]))
    for byte in range(256):
        expect(work, "crc32c", bytes([byte]), returns=kernel.crc32c(bytes([byte])))


@check("3", "a checksum goes on from any split")
def continued(work):
    data = bytes(range(64))
    for cut in range(65):
        first = call(work, "crc32c", data[:cut], shape=int)
        given = f"crc32c(bytes {cut} to 63, {show(first)}), the checksum of bytes 0 to {cut - 1}"
        expect(work, "crc32c", data[cut:], first, returns=kernel.crc32c(data), given=given)


@check("3", "the same bytes have the same checksum, whatever came before")
def repeatable(work):
    for data in (b"one", b"two", b"one", b"123456789", b"one"):
        expect(work, "crc32c", data, returns=kernel.crc32c(data))


@check("3", "more than any block: 100,000 bytes")
def long_data(work):
    data = random.Random(33).randbytes(100_000)
    given = "crc32c(100,000 bytes)"
    expect(work, "crc32c", data, returns=kernel.crc32c(data), given=given)


@check("3", "a record that was torn anywhere is noticed")
def torn(work):
    record = b"put user:17 = 4096 bytes, all of them"
    whole = call(work, "crc32c", record, shape=int)
    for kept in range(len(record)):
        after = record[:kept] + bytes(len(record) - kept)
        found = call(work, "crc32c", after, shape=int)
        if found == whole:
            marks = [(kept, kept, "torn here, zeroes behind")]
            picture = pictures.of_bytes("the record", after, marks)
            bad("another checksum than that of the whole record", show(found), picture=picture)


@check("4", "eight tables, each one zero byte further")
def tables(work):
    found = make_tables(work)
    for k, row in enumerate(found):
        expect_table(row, f"make_tables()[{k}]", k)


def make_tables(work):
    found = call(work, "make_tables", expected="8 lists of 256 numbers", shape=[list])
    if [len(row) for row in found] != [256] * 8:
        bad("8 lists of 256 numbers", f"lists of {[len(row) for row in found]}")
    return found


@check("4", "eight bytes through any register")
def chunks(work):
    generator = random.Random(4)
    found = make_tables(work)
    kept = [list(row) for row in found]
    for register in [0, ALL_ONES, *(generator.getrandbits(32) for _ in range(200))]:
        chunk = generator.randbytes(8)
        given = f"eight_bytes(tables, {show(register)}, {show(chunk)})"
        expected = register_after(register, chunk)
        expect(work, "eight_bytes", found, register, chunk, returns=expected, given=given)
    if found != kept:
        bad("tables that stay as they are", "tables that were changed")


class Counted(list):
    """A table that counts how often it is looked into, one by one or as a whole."""

    looks = 0

    def __getitem__(self, index):
        self.looks += 1
        return super().__getitem__(index)

    def __iter__(self):
        self.looks += len(self)
        return super().__iter__()


@check("4", "one look into each table, no more")
def budget(work):
    counted = [Counted(row) for row in make_tables(work)]
    for row in counted:
        row.looks = 0
    given = "eight_bytes(tables, 0x12345678, b'8 bytes!')"
    call(work, "eight_bytes", counted, 0x12345678, b"8 bytes!", given=given, shape=int)
    looks = [row.looks for row in counted]
    if looks != [1] * 8:
        raise FirstBad(f"look-ups into each table in {given}", show([1] * 8), show(looks))


@check("5", "A then B, for real data")
def joined(work):
    generator = random.Random(5)
    sizes = [(0, 0), (0, 5), (5, 0), (1, 1)]
    sizes += [(generator.randrange(300), generator.randrange(300)) for _ in range(40)]
    for size_a, size_b in sizes:
        a, b = generator.randbytes(size_a), generator.randbytes(size_b)
        crc_a, crc_b = kernel.crc32c(a), kernel.crc32c(b)
        expect(work, "combine", crc_a, crc_b, len(b), returns=kernel.crc32c(a + b))


@check("5", "B may be a terabyte, and of any length up to that")
def long(work):
    generator = random.Random(55)
    lengths = [1 << 40, (1 << 40) + 1, (1 << 32) - 1, 1 << 32, 1_000_000_007]
    for length in [*lengths, *(generator.randrange(1 << 41) for _ in range(10))]:
        crc_a, crc_b = generator.getrandbits(32), generator.getrandbits(32)
        expected = kernel.combine(crc_a, crc_b, length)
        expect(work, "combine", crc_a, crc_b, length, returns=expected)
