"""Framing and decoding of log records in plain Python: oracle, fallback, and faster for a few
records."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterable

Checksum = Callable[[bytes | memoryview], int]

HEADER = struct.Struct("<IIQIB3x")
COVERED = struct.Struct("<IQIB3x")
"""The header without its checksum."""
HEADER_BYTES = HEADER.size
CRC_BYTES = HEADER.size - COVERED.size
LAST_LSN = (1 << 63) - 1
_MARKS_AT = 16
"""Where in a header epoch, type and zero bytes stand: together, a pattern to look for."""

END, SHORT, BAD_LENGTH, BAD_CRC, WRONG_LSN, WRONG_EPOCH = range(6)
"""Why decoding stopped; `records.Stop` gives them their public names."""


def frame(
    payloads: Iterable[bytes | memoryview],
    types: Iterable[int],
    first_lsn: int,
    epoch: int,
    checksum: Checksum,
) -> bytes:
    """The records of these payloads, one after the other."""
    parts: list[bytes] = []
    for lsn, (payload, kind) in enumerate(zip(payloads, types, strict=True), first_lsn):
        covered = b"".join((COVERED.pack(len(payload), lsn, epoch, kind), payload))
        parts += checksum(covered).to_bytes(CRC_BYTES, "little"), covered
    return b"".join(parts)


def decode(
    buffer: memoryview,
    offset: int,
    next_lsn: int,
    epoch: int,
    max_length: int,
    checksum: Checksum,
) -> tuple[list[int], list[int], list[int], int, int]:
    """Payload offsets, lengths and types, where the last good record ends, and why it stopped."""
    offsets: list[int] = []
    lengths: list[int] = []
    types: list[int] = []
    size, stop = len(buffer), END
    while offset < size:
        if size - offset < HEADER_BYTES:
            stop = SHORT
            break
        crc, length, lsn, found_epoch, kind = HEADER.unpack_from(buffer, offset)
        end = offset + HEADER_BYTES + length
        if length > max_length:
            stop = BAD_LENGTH
        elif end > size:
            stop = SHORT
        elif checksum(buffer[offset + CRC_BYTES : end]) != crc:
            stop = BAD_CRC
        elif found_epoch != epoch:
            stop = WRONG_EPOCH
        elif lsn != next_lsn:
            stop = WRONG_LSN
        if stop != END:
            break
        offsets.append(offset + HEADER_BYTES)
        lengths.append(length)
        types.append(kind)
        next_lsn += 1
        offset = end
    return offsets, lengths, types, offset, stop


def find(
    buffer: bytes | memoryview,
    start: int,
    epoch: int,
    due_lsn: int,
    max_length: int,
    kinds: bytes,
    checksum: Checksum,
) -> int:
    """The first whole record at or after `start` that has one of these types; or -1."""
    types = re.escape(bytes(kind for kind in range(256) if kinds[kind]))
    marks = re.compile(re.escape(epoch.to_bytes(4, "little")) + b"[" + types + rb"]\0\0\0", re.S)
    found = marks.search(buffer, start + _MARKS_AT)
    while found:
        offset = found.start() - _MARKS_AT
        crc, length, lsn, _, _ = HEADER.unpack_from(buffer, offset)
        end = offset + HEADER_BYTES + length
        fits = length <= max_length and end <= len(buffer) and due_lsn <= lsn < LAST_LSN
        if fits and checksum(memoryview(buffer)[offset + CRC_BYTES : end]) == crc:
            return offset
        found = marks.search(buffer, found.start() + 1)
    return -1
