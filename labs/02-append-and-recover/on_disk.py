"""The checks of tasks 4 and 5: laws about what is on the disk, under faults and power cuts.

No check compares a list of calls. A call that returns has kept its promise in what a power cut at
that moment leaves; a call that cannot keep it raises OSError; and whatever happens, a power cut
before any change leaves every record that was acknowledged before.
"""

import errno
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path

from veristack_lab.labs import faults, pictures
from veristack_lab.labs.checking import FirstBad, bad, call, check, show
from veristack_lab.labs.faults import Fault, PowerCut, WatchedDisk

from . import oracle
from .oracle import LONGEST, PAYLOADS, SMALL

faults.install()
NEW = b"put c=333"
RECORD = oracle.frames([NEW], 14, 7)
"""The record that follows SMALL."""
GHOST = oracle.frames([b"torn away"], 14, 7)[:-1] + b"?" + oracle.frames([b"ghost"], 15, 7)
TAILS = {"nothing": b"", "b'torn'": b"torn", "4,096 zeroes": bytes(4096), "a damaged record": GHOST}
MAX_CHANGES = 1000
"""No power is cut later than before this change."""


def register():
    """Importing this module has registered its checks."""


@contextmanager
def a_log(content=None):
    """The path of a log with this content in a folder of its own; None: there is no file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        if content is not None:
            path.write_bytes(content)
        yield path


def story(disk):
    """The picture of what happened on the disk."""
    return pictures.of_events("what happened", disk.rows, len(disk.rows) - 1 if disk.rows else None)


# ------------------------------------------------------------------------ task 4


def append(work, path, given, *, but=(), **disk_options):
    """Append RECORD to a log; the disk afterwards, and whether `append` returned."""
    fd = os.open(path, os.O_RDWR | os.O_APPEND)
    given = f"append(fd, {NEW!r}, 1, 14, 7){given}"
    try:
        with WatchedDisk(path.parent, **disk_options) as disk:
            try:
                call(work, "append", fd, NEW, 1, 14, 7, given=given, expected="None", but=but)
            except (OSError, PowerCut):
                return disk, False
    finally:
        os.close(fd)
    return disk, not disk.dead


def expect_durable(disk, path, expected):
    """A power cut now leaves exactly this. Raises FirstBad about the last call."""
    durable = disk.durable(path)
    if durable == expected:
        return
    wanted, got = show(oracle.payloads(expected)), show(oracle.payloads(durable))
    if wanted == got:
        wanted, got = f"{len(expected):,} bytes", f"{len(durable or b''):,} bytes"
    bad(
        f"after a power cut right after it has returned: {wanted}",
        "no file" if durable is None else got,
        picture=story(disk),
    )


@check("4", "the whole record is in the file, behind what was there")
def append_whole(work):
    for content in (b"", SMALL):
        with a_log(content) as path:
            append(work, path, f" to a log of {len(content)} bytes")
            if (stored := path.read_bytes()) != content + RECORD:
                mark = (len(content), len(stored), "new")
                picture = pictures.of_bytes("the file", stored, [mark])
                bad(show(content + RECORD), show(stored), picture=picture)


@check("4", "the disk has it before append returns")
def append_synced(work):
    with a_log(SMALL) as path:
        disk, _ = append(work, path, "")
        expect_durable(disk, path, SMALL + RECORD)


@check("4", "a write that takes 7 bytes at a time is gone on with")
def append_short(work):
    for most in (7, 1, len(RECORD) - 1):
        with a_log(SMALL) as path:
            disk, _ = append(
                work, path, f", the disk takes {most} bytes at a time", largest_write=most
            )
            expect_durable(disk, path, SMALL + RECORD)


@check("4", "a sync that fails is an error, and is not made good by another sync")
def append_failed_sync(work):
    for times in (1, 1000):
        with a_log(SMALL) as path:
            given = f", and {'one sync fails' if times == 1 else 'every sync fails'}"
            expect_no_lie(work, path, given, faults=[Fault("fsync", errno.EIO, times=times)])


@check("4", "a full disk is an error, wherever in the record it is full")
def append_full_disk(work):
    for space in range(len(RECORD)):
        with a_log(SMALL) as path:
            expect_no_lie(work, path, f" with room for {space} bytes", space_bytes=space)


@check("4", "a write that fails or is interrupted is an error, or is gone on with")
def append_failed_write(work):
    for code in (errno.EIO, errno.EINTR):
        for nth in range(1, 6):
            with a_log(SMALL) as path:
                given = f", 9 bytes at a time, and write {nth} fails: {os.strerror(code)}"
                fails = [Fault("write", code, nth=nth)]
                expect_no_lie(work, path, given, largest_write=9, faults=fails)


def expect_no_lie(work, path, given, **disk_options):
    """`append` returns and is durable, or raises OSError and harms nothing."""
    disk, returned = append(work, path, given, but=OSError, **disk_options)
    if returned:
        expect_durable_or_error(disk, path, SMALL + RECORD)
    expect_kept(disk, path, "append")


def expect_durable_or_error(disk, path, expected):
    if disk.durable(path) != expected:
        got = show(oracle.payloads(disk.durable(path)))
        wanted = f"an OSError, or {show(oracle.payloads(expected))} on the disk"
        bad(wanted, f"no error, and {got} on the disk", picture=story(disk))


def expect_kept(disk, path, what):
    """Whatever a power cut leaves now, the records that were acknowledged before are there."""
    for content in disk.possible(path):
        found = oracle.payloads(content)
        if found[: len(PAYLOADS)] != PAYLOADS:
            expected = f"the four records from before {what} after the power cut"
            bad(expected, "no file" if content is None else show(found), picture=story(disk))


@check("4", "the power may go before any change: what was there before stays")
def append_cut(work):
    for number in range(1, MAX_CHANGES):
        with a_log(SMALL) as path:
            given = f", 9 bytes at a time, the power cut before change {number} of the disk"
            disk, returned = append(work, path, given, largest_write=9, cut_at=number)
            if returned:
                return
            expect_kept(disk, path, "append")


# ------------------------------------------------------------------------ task 5


def open_log(work, path, given, *, but=(), **disk_options):
    """Open a log; the disk, the descriptor (-1 if it did not return), and the records."""
    with WatchedDisk(path.parent, **disk_options) as disk:
        try:
            fd, records = call(
                work, "open_log", str(path), 10, 7,
                given=f"open_log({given})", expected="a descriptor and records",
                shape=(int, list), but=but,
            )  # fmt: skip
        except (OSError, PowerCut):
            return disk, -1, []
    return disk, fd, records


@check("5", "one descriptor is open afterwards: the one that is returned")
def one_descriptor(work):
    with a_log(SMALL + b"torn") as path:
        before = open_files(path.parent)
        _, fd, _ = open_log(work, path, "log + b'torn'")
        left = open_files(path.parent) - before - {fd}
        os.close(fd)
        if left:
            bad("one open file, the one that is returned", f"{len(left)} more left open")


@check("5", "cut anywhere, opened, appended to, opened again")
def reopened(work):
    for cut in range(len(SMALL) + 1):
        with a_log(SMALL[:cut]) as path:
            found, end = oracle.recover(SMALL[:cut])
            new = oracle.frames([b"after"], 10 + len(found), 7)
            given = f"the first {cut} bytes of a log"
            _, fd, records = open_log(work, path, given)
            oracle.same_records(records, found)
            write(fd, new, given)
            expect_file(path, SMALL[:end] + new, f"open_log({given}), one append by os.write")
            _, fd, records = open_log(work, path, f"{given}, after one append")
            os.close(fd)
            oracle.same_records(records, oracle.recover(SMALL[:end] + new)[0])


def write(fd, data, given):
    """What the caller does with the descriptor: append, close."""
    try:
        os.write(fd, data)
        os.close(fd)
    except OSError as error:
        expected = "a descriptor of the open log, to write to"
        raise FirstBad(f"open_log({given})", expected, f"{fd}: {error.strerror}") from error


def expect_file(path, expected, given):
    stored = path.read_bytes()
    if stored != expected:
        at = next((n for n in range(len(expected)) if stored[n : n + 1] != expected[n : n + 1]), -1)
        at = len(expected) if at < 0 else at
        picture = pictures.of_bytes("the file", stored, [(at, at, "what is wrong begins here")])
        bad(f"a file of {show(expected)}", show(stored), given=given, picture=picture)


@check("5", "what is torn is cut off, and the cut is on the disk, before it returns")
def cut_synced(work):
    for name, tail in TAILS.items():
        with a_log(SMALL + tail) as path:
            disk, fd, records = open_log(work, path, f"log + {name}")
            os.close(fd)
            oracle.same_records(records, oracle.recover(SMALL)[0])
            expect_durable(disk, path, SMALL)
            expect_file(path, SMALL, f"open_log(log + {name})")


@check("5", "a log that is not there is made, and its name is on the disk, too")
def made(work):
    with a_log() as path:
        disk, fd, records = open_log(work, path, "no file")
        oracle.same_records(records, [])
        write(fd, oracle.frames([b"first"], 10, 7), "no file")
        if not path.exists():
            bad("a file", "no file")
        if disk.durable(path) is None:
            expected = "the file's name in its folder after a power cut: a sync of the folder"
            bad(expected, "no file", picture=story(disk))


@check("5", "a log longer than any buffer: all of it counts, none of it is cut")
def long_opened(work):
    payloads = [bytes([n]) * (LONGEST - n) for n in range(5)] + [
        b"small %d" % n for n in range(999)
    ]
    content = oracle.frames(payloads, 10, 7)
    with a_log(content + b"torn") as path:
        given = f"a log of {len(content):,} bytes + b'torn'"
        _, fd, records = open_log(work, path, given)
        os.close(fd)
        oracle.same_records(records, oracle.recover(content)[0])
        expect_file(path, content, f"open_log({given})")


@check("5", "a disk that gives a few bytes at a time")
def short_reads(work):
    for most in (7, 1, 24, len(SMALL) - 1):
        with a_log(SMALL + b"torn") as path:
            given = f"log + b'torn', the disk gives {most} bytes at a time"
            _, fd, records = open_log(work, path, given, largest_read=most)
            os.close(fd)
            oracle.same_records(records, oracle.recover(SMALL)[0])
            expect_file(path, SMALL, f"open_log({given})")


@check("5", "a read that fails is not the end of the log")
def failed_read(work):
    for nth in range(1, 5):
        with a_log(SMALL) as path:
            given = f"log, 40 bytes at a time, and read {nth} fails: Input/output error"
            fails = [Fault("read", errno.EIO, nth=nth)]
            disk, fd, records = open_log(
                work, path, given, but=OSError, largest_read=40, faults=fails
            )
            if fd >= 0:
                os.close(fd)
                oracle.same_records(records, oracle.recover(SMALL)[0])
            expect_kept(disk, path, "open_log")


@check("5", "a cut that fails is an error, and is not made good by another sync")
def failed_cut(work):
    for kind, times in (("fsync", 1), ("fsync", 1000), ("ftruncate", 1), ("ftruncate", 1000)):
        with a_log(SMALL + GHOST) as path:
            given = f"log + a damaged record, and {times} x {kind} fails: Input/output error"
            fails = [Fault(kind, errno.EIO, times=times)]
            disk, fd, _ = open_log(work, path, given, but=OSError, faults=fails)
            if fd >= 0:
                os.close(fd)
                expect_durable_or_error(disk, path, SMALL)
            expect_kept(disk, path, "open_log")


@check("5", "the power may go before any change: what was acknowledged stays")
def open_cut(work):
    for name, tail in TAILS.items():
        for number in range(1, MAX_CHANGES):
            with a_log(SMALL + tail) as path:
                given = f"log + {name}, the power cut before change {number} of the disk"
                disk, fd, _ = open_log(work, path, given, cut_at=number)
                expect_kept(disk, path, "open_log")
                if fd >= 0:
                    os.close(fd)
                if not disk.dead:
                    break


def open_files(folder):
    """Descriptors of this process that are open in a folder, or are the folder."""
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        if entry.exists() and str(entry.resolve()).startswith(str(folder.resolve())):
            found.add(int(entry.name))
    return found
