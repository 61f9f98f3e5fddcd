"""A segment, stretch by stretch: whole records, damage between them, a torn tail, and room."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from veristack_lab.kernels import records
from veristack_lab.veristore.recovery.salvage import whole_records
from veristack_lab.veristore.wal.mutations import MAX_PAYLOAD_BYTES
from veristack_lab.veristore.wal.segment import (
    GROUP_START,
    GROUP_STARTS,
    HEADER_BYTES,
    SegmentHeader,
    Window,
    written_end,
)


class Condition(StrEnum):
    """The condition of a stretch of a log."""

    WHOLE = "whole"
    BEHIND_DAMAGE = "behind damage"
    """Whole records, which only skip-any-corrupted returns."""
    DAMAGE = "damage"
    TORN_TAIL = "torn tail"
    RESERVED = "reserved"
    """Zeros up to the end of the file: room for records to come, and nothing lost."""


@dataclass(frozen=True)
class Stretch:
    """One stretch of a segment."""

    start: int
    end: int
    condition: Condition
    window: Window | None
    """Its records, when it has any."""
    reason: str = ""

    @property
    def records(self) -> int:
        """How many whole records it has."""
        return len(self.window.decoded) if self.window else 0


def stretches(data: bytes, header: SegmentHeader, *, is_newest: bool) -> Iterator[Stretch]:
    """Every byte of a segment behind its header, in one stretch each.

    Args:
        data: the whole file.
        header: its header, or the assumed header in place of a damaged one.
        is_newest: whether no segment follows it; else nothing in it can be torn.
    """
    if len(data) <= HEADER_BYTES:
        return
    lsn = header.first_lsn
    found = records.decode_records(data, HEADER_BYTES, lsn, header.epoch, MAX_PAYLOAD_BYTES)
    first = Window(data, lsn, found, found.end_offset)
    if len(found):
        yield Stretch(HEADER_BYTES, found.end_offset, Condition.WHOLE, first)
    end = written_end(data, found.end_offset)
    if end > found.end_offset:
        if is_newest and not _is_damage(data, header.epoch, first):
            yield Stretch(found.end_offset, end, Condition.TORN_TAIL, None, found.stop.name)
        else:
            behind = list(_behind(data, end, header.epoch, first, is_newest=is_newest))
            yield from behind
            end = behind[-1].end
    if end < len(data):
        reason = f"{len(data) - end:,} bytes of zeros"
        yield Stretch(end, len(data), Condition.RESERVED, None, reason)


def _is_damage(data: bytes, epoch: int, first: Window) -> bool:
    if first.decoded.stop is records.Stop.WRONG_LSN:
        return True
    later = records.find_record(
        data, first.end_offset, first.next_lsn, epoch, MAX_PAYLOAD_BYTES, GROUP_STARTS
    )
    return later is not None


def _behind(
    data: bytes, written: int, epoch: int, before: Window, *, is_newest: bool
) -> Iterator[Stretch]:
    """What follows a bad record: up to the last byte that is not zero, or the last record."""
    end, stop = before.end_offset, before.decoded.stop
    for window in whole_records(data, end, epoch, before.next_lsn):
        start = int(window.decoded.payload_offsets[0]) - records.HEADER_BYTES
        if start > end:
            yield Stretch(end, start, Condition.DAMAGE, None, stop.name)
        end, stop = window.end_offset, window.decoded.stop
        yield Stretch(start, end, Condition.BEHIND_DAMAGE, window)
    if end < written:
        rest = Condition.TORN_TAIL if is_newest and end > before.end_offset else Condition.DAMAGE
        yield Stretch(end, written, rest, None, stop.name)


class Entry(NamedTuple):
    """One record, or one stretch without any."""

    offset: int
    size_bytes: int
    condition: Condition
    lsn: int
    """-1 where no record is."""
    kind: int
    """The type byte, with the group bit."""
    reason: str

    @property
    def is_group_start(self) -> bool:
        """Whether everything before it was durable when it was written."""
        return bool(self.kind & GROUP_START)


def entries(stretch: Stretch) -> Iterator[Entry]:
    """The records of a stretch, or the stretch itself."""
    start, condition = stretch.start, stretch.condition
    if stretch.window is None:
        yield Entry(start, stretch.end - start, condition, -1, 0, stretch.reason)
        return
    found = stretch.window.decoded
    columns = zip(
        (found.payload_offsets - records.HEADER_BYTES).tolist(),
        (found.payload_lengths + records.HEADER_BYTES).tolist(),
        found.types.tolist(),
        strict=True,
    )
    for lsn, (offset, size, kind) in enumerate(columns, stretch.window.first_lsn):
        yield Entry(offset, size, condition, lsn, kind, "")
