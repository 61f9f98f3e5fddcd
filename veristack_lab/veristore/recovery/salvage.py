"""Whole records behind a bad one."""

from __future__ import annotations

from collections.abc import Iterator

from veristack_lab.kernels import records
from veristack_lab.veristore.wal.mutations import MAX_PAYLOAD_BYTES, RecordType
from veristack_lab.veristore.wal.segment import GROUP_STARTS, Window

_TYPES = (*RecordType, *GROUP_STARTS)
_LSN = slice(8, 16)


def whole_records(buffer: bytes, start: int, epoch: int, due_lsn: int) -> Iterator[Window]:
    """Runs of whole records from `start` on, each with LSNs that count up by one.

    Args:
        buffer: a whole file, so that offsets in the windows count from its start.
        start: where the bad record begins.
        epoch: the epoch that all records must have.
        due_lsn: none may have a lower LSN, nor one lower than a record before it.
    """
    at = _find(buffer, start, epoch, due_lsn)
    while at is not None:
        lsn = int.from_bytes(buffer[at : at + records.HEADER_BYTES][_LSN], "little")
        decoded = records.decode_records(buffer, at, lsn, epoch, MAX_PAYLOAD_BYTES)
        window = Window(buffer, lsn, decoded, decoded.end_offset)
        yield window
        at = _find(buffer, decoded.end_offset, epoch, window.next_lsn)


def _find(buffer: bytes, start: int, epoch: int, due_lsn: int) -> int | None:
    return records.find_record(buffer, start, due_lsn, epoch, MAX_PAYLOAD_BYTES, _TYPES)
