"""The task of notebook 01: where the whole records of a log end."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Iterator

from veristack_lab.lessons.tasks.cases import Case, Task, equals

HEADER_BYTES = 8


def _record(payload: bytes) -> bytes:
    body = struct.pack("<I", len(payload)) + payload
    return struct.pack("<I", zlib.crc32(body)) + body


def _flip(log: bytes, at: int) -> bytes:
    return log[:at] + bytes([log[at] ^ 1]) + log[at + 1 :]


def _cases() -> Iterator[Case]:
    one, two = _record(b"Ada"), _record(b"1815!")
    empty = _record(b"")
    by_hand = [
        (b"", 0, "an empty log"),
        (one, len(one), "one whole record"),
        (one + two, len(one + two), "two whole records"),
        (one + two[:-1], len(one), "the last byte of the second record is missing"),
        (one + two[:3], len(one), "only three bytes of the second record are there"),
        (one + empty, len(one + empty), "the second record has no payload"),
        (one + _flip(two, len(two) - 1), len(one), "a bit of the second payload is flipped"),
        (_flip(one, 4) + two, 0, "a bit of the first length is flipped"),
        (_flip(one, 9) + two, 0, "nothing after a bad record counts"),
        (one + struct.pack("<II", 0, 2**32 - 1), len(one), "a length of four gigabytes"),
        (one + bytes(4), len(one), "half a header"),
    ]
    for log, end, why in by_hand:
        yield Case((log,), equals(end), why)
    dice = random.Random(1)
    records = [_record(dice.randbytes(dice.randrange(9))) for _ in range(4)]
    log = b"".join(records)
    ends = [sum(map(len, records[:count])) for count in range(5)]
    for cut in range(len(log)):
        whole = max(end for end in ends if end <= cut)
        yield Case((log[:cut],), equals(whole), f"a log of four records, cut at byte {cut}")


TASKS = (
    Task(
        id="01/whole-records",
        title="where the whole records end",
        text=(
            "`log` is a row of records. Each is a CRC-32 (4 bytes), the length of the payload"
            " (4 bytes), and the payload; numbers are little-endian, and the CRC-32 covers the"
            " length and the payload. Return how many bytes of the log are whole records: up to"
            " the first one that is torn or does not match its checksum."
        ),
        starter="""\
@lessons.task("01/whole-records")
def whole_bytes(log: bytes) -> int:
    at = 0
    while len(log) - at >= 8:
        checksum, length = struct.unpack_from("<II", log, at)
        end = at + 8 + length
        at = end  # may it be believed? zlib.crc32(...) tells
    return at
""",
        hints=(
            "Two things can be wrong: the log ends before the record does, or the checksum"
            " differs. Either way the log ends at `at`.",
            "`zlib.crc32(log[at + 4 : end])` is the checksum of length and payload; a slice that"
            " goes beyond the end is silently shorter, so compare `end` with `len(log)` first.",
        ),
        cases=_cases,
    ),
)
