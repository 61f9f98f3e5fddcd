"""Lab 02: a write-ahead log. Read README.md first; `veristack labs check 02` checks it.

    crc32c u32 | length u32 | lsn u64 | epoch u32 | type u8 | zero, 3 bytes | payload

Little-endian; the checksum covers everything behind it. Use `os.open`, `os.read`, `os.write`,
`os.ftruncate`, `os.fsync` and their like against the disk, and no file objects that write by
themselves: the checks watch these calls, let them fail, and cut the power between them.
"""

import os
import struct
from dataclasses import dataclass
from pathlib import Path

from veristack_lab.kernels.crc32c import crc32c

HEADER_BYTES = 24
MAX_LENGTH = 1 << 20
"""No payload is ever longer, so a header that claims more is none."""


@dataclass(frozen=True)
class Record:
    """Given: one record as it was read."""

    lsn: int
    epoch: int
    kind: int
    payload: bytes
    end: int
    """Where in the buffer the next record would begin."""


def frame(payload: bytes, kind: int, lsn: int, epoch: int) -> bytes:
    """Task 1. The bytes of one record."""
    # BEGIN SOLUTION 1
    covered = struct.pack("<IQIB3x", len(payload), lsn, epoch, kind) + payload
    return struct.pack("<I", crc32c(covered)) + covered
    # END SOLUTION


def read(buffer: bytes, offset: int) -> Record | None:
    """Task 2. The record at this offset, or None for anything that is not a whole one."""
    # BEGIN SOLUTION 2
    if len(buffer) - offset < HEADER_BYTES:
        return None
    crc, length, lsn, epoch, kind = struct.unpack_from("<IIQIB3x", buffer, offset)
    end = offset + HEADER_BYTES + length
    if length > MAX_LENGTH or end > len(buffer):
        return None
    if crc32c(buffer[offset + 4 : end]) != crc:
        return None
    return Record(lsn, epoch, kind, buffer[offset + HEADER_BYTES : end], end)
    # END SOLUTION


def recover(buffer: bytes, first_lsn: int, epoch: int) -> tuple[list[Record], int]:
    """Task 3. The records that count, and where the last of them ends.

    They are of this epoch and their LSNs go up by one from `first_lsn`, without a gap.
    """
    # BEGIN SOLUTION 3
    records: list[Record] = []
    offset = 0
    while True:
        record = read(buffer, offset)
        if record is None or record.epoch != epoch or record.lsn != first_lsn + len(records):
            return records, offset
        records.append(record)
        offset = record.end
    # END SOLUTION


def append(fd: int, payload: bytes, kind: int, lsn: int, epoch: int) -> None:
    """Task 4. Write one record at the end of the file; return when it is on the disk.

    Raises:
        OSError: it may not be on the disk. The log has to be opened again before the next append.
    """
    # BEGIN SOLUTION 4
    data = memoryview(frame(payload, kind, lsn, epoch))
    while data:
        data = data[os.write(fd, data) :]
    os.fsync(fd)
    # END SOLUTION


def open_log(path: str, first_lsn: int, epoch: int) -> tuple[int, list[Record]]:
    """Task 5. Open the file, or make it; the file descriptor to append to, and its records.

    What follows the last good record is cut off, durably, before this returns. A file that is made
    is there after a power cut: its name is in its folder, and the folder is synced.

    Raises:
        OSError: the disk has failed. No record that was there is lost by it.
    """
    # BEGIN SOLUTION 5
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    pieces = []
    while piece := os.read(fd, 1 << 20):
        pieces.append(piece)
    buffer = b"".join(pieces)
    records, end = recover(buffer, first_lsn, epoch)
    if end < len(buffer):
        os.ftruncate(fd, end)
        os.fsync(fd)
    if not buffer:
        folder = os.open(Path(path).parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    return fd, records
    # END SOLUTION
