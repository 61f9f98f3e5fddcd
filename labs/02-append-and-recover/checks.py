"""The checks of lab 02: tasks 1 to 3 on bytes in memory. `on_disk` has those of the disk."""

from __future__ import annotations

import random

from veristack_lab.kernels import records as kernel
from veristack_lab.labs import pictures
from veristack_lab.labs.checking import bad, call, check, show

from . import on_disk, oracle
from .oracle import EPOCH, GOLDEN, HEADER_BYTES, LONGEST, ROWS, SMALL

on_disk.register()
FIRST_END = oracle.read(SMALL, 0)[4]


@check("1", "the golden log, record by record")
def golden_frames(work):
    for row, following in zip(ROWS, [*ROWS[1:], {"offset": len(GOLDEN)}], strict=True):
        payload = bytes.fromhex(row["payload_hex"])
        stored = GOLDEN[row["offset"] : following["offset"]]
        framed(work, stored, payload, row["type"], row["lsn"], EPOCH)


@check("1", "any payload, any kind, any number")
def any_frames(work):
    generator = random.Random(1)
    for size in [0, 1, 255, 256, 70_000]:
        payload, kind = generator.randbytes(size), generator.randrange(256)
        lsn, epoch = generator.randrange(1 << 61, 1 << 62), generator.randrange(1 << 31, 1 << 32)
        stored = kernel.frame_records([payload], [kind], lsn, epoch)
        framed(work, stored, payload, kind, lsn, epoch)


def framed(work, stored, *arguments):
    """`frame` gives these bytes."""
    got = call(work, "frame", *arguments, expected=show(stored), shape=bytes)
    if got != stored:
        at = next(
            (n for n in range(len(stored)) if got[n : n + 1] != stored[n : n + 1]), len(stored)
        )
        fields = ((0, 4, "checksum"), (4, 8, "length"), (8, 16, "LSN"), (16, 20, "epoch"))
        fields += ((20, 21, "type"), (21, 24, "zeroes"), (24, len(stored), "payload"))
        name = next((words for _, end, words in fields if at < end), "nothing more")
        mark = (at, at + 1, f"the first that differs; here begins or goes on: {name}")
        bad(show(stored), show(got), picture=pictures.of_bytes("the right bytes", stored, [mark]))


@check("2", "every record of the golden log")
def golden_reads(work):
    for row in ROWS:
        expect_read(work, GOLDEN, row["offset"], f"read(golden, {row['offset']})")


@check("2", "a record cut anywhere is none")
def cut_reads(work):
    for kept in range(FIRST_END):
        expect_read(work, SMALL[:kept], 0, f"read(the first {kept} bytes of a record, 0)")


@check("2", "a record with any bit flipped is none")
def flipped_reads(work):
    for bit in range(8 * FIRST_END):
        damaged = bytearray(SMALL)
        damaged[bit // 8] ^= 1 << bit % 8
        given = f"read(a log with bit {bit % 8} of byte {bit // 8} flipped, 0)"
        expect_read(work, bytes(damaged), 0, given)


@check("2", "any bytes at any offset, also beyond the end: never an error")
def anywhere(work):
    noise = random.Random(2).randbytes(200)
    for name, buffer in {"a log": SMALL, "noise": noise, "zeroes": bytes(99), "b''": b""}.items():
        beyond = [len(buffer) + 1000, 1 << 40]
        for offset in [*range(len(buffer) + HEADER_BYTES + 2), *beyond]:
            expect_read(work, buffer, offset, f"read({name} of {len(buffer)} bytes, {offset})")


@check("2", "a length is not believed, even with a checksum that holds")
def long_reads(work):
    too_long = oracle.frames([bytes(LONGEST + 1)], 1, 1)
    expect_read(work, too_long, 0, "read(a record one byte longer than MAX_LENGTH, 0)")


@check("2", "the longest payload that is allowed is read")
def longest_reads(work):
    longest = oracle.frames([bytes(LONGEST)], 1, 1)
    expect_read(work, longest, 0, "read(a record of MAX_LENGTH bytes of payload, 0)")


def expect_read(work, buffer, offset, given):
    """`read` gives what the oracle reads there."""
    expected = oracle.read(buffer, offset)
    words = "None" if expected is None else f"Record{show(expected)}"
    got = call(work, "read", buffer, offset, given=given, expected=words)
    picture = pictures.of_bytes("the buffer", buffer, [(offset, offset, "the offset")])
    if (got is None) != (expected is None):
        bad(words, show(got), picture=picture)
    if expected is not None:
        oracle.same_record(got, expected, picture)


@check("3", "a power cut at every byte")
def every_cut(work):
    for cut in range(len(SMALL) + 1):
        expect_recovery(work, SMALL[:cut], f"the first {cut} bytes")


@check("3", "zeroes and rubbish behind the log do not count")
def tails(work):
    for name, tail in {"zeroes": bytes(4096), "ones": b"\xff" * 99, "text": b"x" * 50}.items():
        expect_recovery(work, SMALL + tail, f"log + {name}")


@check("3", "a whole record of an earlier life of the file does not count")
def ghosts(work):
    for name, (lsn, epoch) in {
        "the epoch before": (14, 6),
        "the epoch after": (14, 8),
        "a gap in the LSNs": (15, 7),
        "an LSN for the second time": (13, 7),
        "an LSN from before the log": (9, 7),
    }.items():
        ghost = oracle.frames([b"ghost"], lsn, epoch)
        follower = oracle.frames([b"after the ghost"], 14, 7)
        expect_recovery(work, SMALL + ghost, f"log + a record with {name}")
        expect_recovery(work, SMALL + ghost + follower, f"log + a record with {name} + a good one")


@check("3", "another first LSN, another epoch: none of it counts")
def other_life(work):
    for first_lsn, epoch in ((9, 7), (11, 7), (10, 6), (10, 8)):
        expect_recovery(work, SMALL, "log", first_lsn, epoch)


@check("3", "behind damage nothing counts, however good it is")
def damaged(work):
    for at in range(len(SMALL)):
        harmed = bytearray(SMALL)
        harmed[at] ^= 0x20
        expect_recovery(work, bytes(harmed), f"log with byte {at} changed")


@check("3", "a log of any length")
def long_logs(work):
    expect_recovery(work, oracle.frames([b"small"] * 2000, 10, 7), "2,000 records")
    large = oracle.frames([bytes(200_000), b"small"], 10, 7)
    expect_recovery(work, large + SMALL, "a record of 200,000 bytes, a small one, and another log")


def expect_recovery(work, buffer, name, first_lsn=10, epoch=7):
    """`recover` gives what the oracle recovers."""
    given = f"recover({name}, {first_lsn}, {epoch})"
    found = call(work, "recover", buffer, first_lsn, epoch, given=given, shape=(list, int))
    oracle.same_recovery(found, buffer, first_lsn, epoch)
