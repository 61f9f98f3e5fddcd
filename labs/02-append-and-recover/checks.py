"""The checks of lab 02, against the project's golden log and its own kernel."""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from veristack_lab.kernels import records as kernel
from veristack_lab.labs.checking import FirstBad, call, check, expect, show
from veristack_lab.runtime import paths

GOLDEN = paths.data_file("golden/records-v1.bin").read_bytes()
MEANING = json.loads(paths.data_file("golden/records-v1.json").read_text())
FIRST, EPOCH, ROWS = MEANING["first_lsn"], MEANING["epoch"], MEANING["records"]
PAYLOADS = [b"put a=1", b"", b"put b=22", b"delete a"]
SMALL = kernel.frame_records(PAYLOADS, [1, 2, 1, 3], 10, 7)


def ends():
    found = [0]
    for payload in PAYLOADS:
        found.append(found[-1] + kernel.HEADER_BYTES + len(payload))
    return found


def expect_payloads(given, records, expected):
    got = [record.payload for record in records]
    if got != expected:
        raise FirstBad(given, show(expected), show(got))


@check("1", "the golden log, record by record")
def golden_frames(work):
    for row, following in zip(ROWS, [*ROWS[1:], {"offset": len(GOLDEN)}], strict=True):
        payload = bytes.fromhex(row["payload_hex"])
        stored = GOLDEN[row["offset"] : following["offset"]]
        expect(work, "frame", payload, row["type"], row["lsn"], EPOCH, returns=stored)


@check("2", "every record of the golden log")
def golden_reads(work):
    for row in ROWS:
        got = call(work, "read", GOLDEN, row["offset"], given=f"read(golden, {row['offset']})")
        payload = bytes.fromhex(row["payload_hex"])
        end = row["offset"] + kernel.HEADER_BYTES + len(payload)
        expected = work.Record(row["lsn"], EPOCH, row["type"], payload, end)
        if got != expected:
            raise FirstBad(f"read(golden, {row['offset']})", show(expected), show(got))


@check("2", "a record cut anywhere is none")
def cut_reads(work):
    for kept in range(ends()[1]):
        given = f"read(the first {kept} bytes of a record, 0)"
        if (got := call(work, "read", SMALL[:kept], 0, given=given)) is not None:
            raise FirstBad(given, "None", show(got))


@check("2", "a record with any bit flipped is none")
def flipped_reads(work):
    for bit in range(8 * ends()[1]):
        damaged = bytearray(SMALL)
        damaged[bit // 8] ^= 1 << bit % 8
        given = f"read(a log with bit {bit % 8} of byte {bit // 8} flipped, 0)"
        if (got := call(work, "read", bytes(damaged), 0, given=given)) is not None:
            raise FirstBad(given, "None", show(got))


@check("2", "a length is not believed, even with a checksum that holds")
def long_reads(work):
    too_long = kernel.frame_records([bytes(work.MAX_LENGTH + 1)], [1], 1, 1)
    given = "read(a record one byte longer than MAX_LENGTH, 0)"
    if (got := call(work, "read", too_long, 0, given=given)) is not None:
        raise FirstBad(given, "None", show(got))


@check("3", "a power cut at every byte")
def every_cut(work):
    for cut in range(len(SMALL) + 1):
        whole = sum(end <= cut for end in ends()[1:])
        given = f"recover(the first {cut} bytes, 10, 7)"
        records, end = call(work, "recover", SMALL[:cut], 10, 7, given=given)
        expect_payloads(given, records, PAYLOADS[:whole])
        if end != ends()[whole]:
            raise FirstBad(given, f"the end at {ends()[whole]}", show(end))


@check("3", "zeroes and rubbish behind the log do not count")
def tails(work):
    for name, tail in {"zeroes": bytes(4096), "ones": b"\xff" * 99, "text": b"x" * 50}.items():
        given = f"recover(log + {name}, 10, 7)"
        records, end = call(work, "recover", SMALL + tail, 10, 7, given=given)
        expect_payloads(given, records, PAYLOADS)
        if end != len(SMALL):
            raise FirstBad(given, f"the end at {len(SMALL)}", show(end))


@check("3", "a whole record of an earlier life of the file does not count")
def ghosts(work):
    for name, ghost in {
        "the epoch before": kernel.frame_records([b"ghost"], [1], 14, 6),
        "a gap in the LSNs": kernel.frame_records([b"ghost"], [1], 15, 7),
        "an LSN for the second time": kernel.frame_records([b"ghost"], [1], 13, 7),
    }.items():
        given = f"recover(log + a record with {name}, 10, 7)"
        records, _ = call(work, "recover", SMALL + ghost, 10, 7, given=given)
        expect_payloads(given, records, PAYLOADS)


@contextmanager
def watched(largest_write):
    """Note the calls against the disk; let a write take at most so many bytes."""
    seen, write, fsync, truncate = [], os.write, os.fsync, os.ftruncate

    def noted_write(fd, data):
        taken = write(fd, bytes(data)[:largest_write])
        seen.append(f"write {taken} bytes")
        return taken

    def noted_fsync(fd):
        seen.append("fsync")
        fsync(fd)

    def noted_truncate(fd, size):
        seen.append(f"truncate to {size}")
        truncate(fd, size)

    with (
        patch.object(os, "write", noted_write),
        patch.object(os, "fsync", noted_fsync),
        patch.object(os, "fdatasync", noted_fsync),
        patch.object(os, "ftruncate", noted_truncate),
    ):
        yield seen


@contextmanager
def a_file(content=b""):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        path.write_bytes(content)
        yield path


def appended(work, largest_write):
    """The calls of one append, and the file afterwards."""
    with a_file() as path:
        fd = os.open(path, os.O_RDWR | os.O_APPEND)
        try:
            with watched(largest_write) as seen:
                given = "append(fd, b'put a=1', 1, 10, 7)"
                call(work, "append", fd, b"put a=1", 1, 10, 7, given=given)
        finally:
            os.close(fd)
        return seen, path.read_bytes()


@check("4", "the whole record is in the file")
def append_whole(work):
    _, stored = appended(work, 1 << 20)
    if stored != SMALL[: ends()[1]]:
        raise FirstBad("append to an empty file", show(SMALL[: ends()[1]]), show(stored))


@check("4", "the disk has it before append returns")
def append_synced(work):
    seen, _ = appended(work, 1 << 20)
    if seen[-1:] != ["fsync"]:
        raise FirstBad("the calls of one append, in order", "a last call of fsync", show(seen))


@check("4", "a write that takes 7 bytes at a time is gone on with")
def append_short(work):
    seen, stored = appended(work, 7)
    if stored != SMALL[: ends()[1]]:
        raise FirstBad(f"append, calls {show(seen)}", show(SMALL[: ends()[1]]), show(stored))


@check("5", "cut anywhere, opened, appended to, opened again")
def reopened(work):
    for cut in range(len(SMALL) + 1):
        whole = sum(end <= cut for end in ends()[1:])
        new = kernel.frame_records([b"after"], [1], 10 + whole, 7)
        given = f"open_log(the first {cut} bytes) and one append"
        with a_file(SMALL[:cut]) as path:
            fd, records = call(work, "open_log", str(path), 10, 7, given=given)
            expect_payloads(given, records, PAYLOADS[:whole])
            os.write(fd, new)
            os.close(fd)
            fd, records = call(work, "open_log", str(path), 10, 7, given=f"{given}, again")
            os.close(fd)
            expect_payloads(f"{given}, opened again", records, [*PAYLOADS[:whole], b"after"])


@check("5", "the cut is on the disk before anything is appended")
def cut_synced(work):
    with a_file(SMALL + b"torn") as path, watched(1 << 20) as seen:
        fd, _ = call(work, "open_log", str(path), 10, 7, given="open_log(log + b'torn')")
        os.close(fd)
    if seen != [f"truncate to {len(SMALL)}", "fsync"]:
        expected = show([f"truncate to {len(SMALL)}", "fsync"])
        raise FirstBad("the calls of open_log(log + b'torn')", expected, show(seen))


@check("5", "a log that is not there is made")
def made(work):
    with a_file() as path:
        path.unlink()
        fd, records = call(work, "open_log", str(path), 10, 7, given="open_log(no file)")
        os.close(fd)
        expect_payloads("open_log(no file)", records, [])
        if not path.exists():
            raise FirstBad("open_log(no file)", "an empty file", "no file")
