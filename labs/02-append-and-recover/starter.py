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
    raise NotImplementedError("task 1")


def read(buffer: bytes, offset: int) -> Record | None:
    """Task 2. The record at this offset, or None for anything that is not a whole one."""
    raise NotImplementedError("task 2")


def recover(buffer: bytes, first_lsn: int, epoch: int) -> tuple[list[Record], int]:
    """Task 3. The records that count, and where the last of them ends.

    They are of this epoch and their LSNs go up by one from `first_lsn`, without a gap.
    """
    raise NotImplementedError("task 3")


def append(fd: int, payload: bytes, kind: int, lsn: int, epoch: int) -> None:
    """Task 4. Write one record at the end of the file; return when it is on the disk.

    Raises:
        OSError: it may not be on the disk. The log has to be opened again before the next append.
    """
    raise NotImplementedError("task 4")


def open_log(path: str, first_lsn: int, epoch: int) -> tuple[int, list[Record]]:
    """Task 5. Open the file, or make it; the file descriptor to append to, and its records.

    What follows the last good record is cut off, durably, before this returns. A file that is made
    is there after a power cut: its name is in its folder, and the folder is synced.

    Raises:
        OSError: the disk has failed. No record that was there is lost by it.
    """
    raise NotImplementedError("task 5")
