"""Where the records of a segment lie, and what each byte of some of them is for.

An `Index` costs 26 bytes a record, so a segment of 64 MiB is cheap to index; fields are worked out
for one page at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from veristack_lab.errors import NotAStore, StoreCorrupt, StoreError
from veristack_lab.kernels import records
from veristack_lab.veristore.disk import File
from veristack_lab.veristore.wal.anatomy import HEADER_LAYOUT, Field, record_fields, split, story
from veristack_lab.veristore.wal.segment import GROUP_START, HEADER_BYTES, decode_header
from veristack_lab.veristore.wal.stretches import Condition, Entry, Stretch, stretches


class Gap(NamedTuple):
    """A stretch in which no record was found."""

    start: int
    end: int
    condition: Condition
    reason: str


@dataclass(frozen=True)
class Index:
    """The records of one segment. Arrays have shape (n,), ascending."""

    size_bytes: int
    epoch: int
    header_error: StoreError | None
    """Why the header cannot be trusted. Without a header no record is searched for."""
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    lsns: npt.NDArray[np.int64]
    types: npt.NDArray[np.uint8]
    """The type bytes, with the group bit."""
    behind: npt.NDArray[np.bool_]
    """Whether damage lies before it in this segment."""
    gaps: tuple[Gap, ...]

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def reserved_bytes(self) -> int:
        """Zeros at the end, as room for records to come."""
        rooms = (one for one in self.gaps if one.condition is Condition.RESERVED)
        return sum(one.end - one.start for one in rooms)

    @property
    def used_bytes(self) -> int:
        """Where that room begins; else the size."""
        return self.size_bytes - self.reserved_bytes


def index_segment(file: File, name: str, *, is_newest: bool) -> Index:
    """Find every record of a segment.

    Args:
        file: the segment.
        name: what it is called in messages.
        is_newest: whether no segment follows; one that has a successor cannot be torn.
    """
    data = file.read(0, file.size())
    try:
        header = decode_header(data[:HEADER_BYTES], name)
    except (StoreCorrupt, NotAStore) as error:
        rest = Gap(min(HEADER_BYTES, len(data)), len(data), Condition.DAMAGE, "HEADER")
        return _joined(len(data), 0, error, [], (rest,))
    found = list(stretches(data, header, is_newest=is_newest))
    gaps = tuple(
        Gap(one.start, one.end, one.condition, one.reason) for one in found if not one.window
    )
    return _joined(len(data), header.epoch, None, found, gaps)


def _joined(
    size: int,
    epoch: int,
    error: StoreError | None,
    found: list[Stretch],
    gaps: tuple[Gap, ...],
) -> Index:
    runs = [(one.window, one.condition) for one in found if one.window is not None]
    none = np.empty(0, np.int64)
    return Index(
        size,
        epoch,
        error,
        np.concatenate(
            [none, *(run.decoded.payload_offsets - records.HEADER_BYTES for run, _ in runs)]
        ),
        np.concatenate(
            [none, *(run.decoded.payload_offsets + run.decoded.payload_lengths for run, _ in runs)]
        ),
        np.concatenate(
            [none, *(np.arange(run.first_lsn, run.next_lsn, dtype=np.int64) for run, _ in runs)]
        ),
        np.concatenate([none.astype(np.uint8), *(run.decoded.types for run, _ in runs)]),
        np.concatenate(
            [
                none.astype(np.bool_),
                *(np.full(len(r.decoded), c is Condition.BEHIND_DAMAGE) for r, c in runs),
            ]
        ),
        gaps,
    )


def fields_between(file: File, index: Index, start: int, end: int) -> list[Field]:
    """What each byte from `start` to `end` is for; fields that only touch them are whole."""
    found: list[Field] = []
    if start < HEADER_BYTES:
        found += split(file.read(0, HEADER_BYTES), 0, 0, HEADER_LAYOUT)
    first = int(np.searchsorted(index.ends, start, side="right"))
    last = int(np.searchsorted(index.starts, end, side="left"))
    for number in range(first, last):
        found += _fields_before(file, index, number, end)
    for gap in index.gaps:
        found.append(Field(gap.start, gap.end - gap.start, -1, gap.condition, gap.reason))
    return sorted(
        field for field in found if field.offset < end and field.offset + field.size_bytes > start
    )


def _fields_before(file: File, index: Index, number: int, end: int) -> Iterator[Field]:
    """The fields of one record, as far as they begin before `end`."""
    start, stop, lsn = (int(column[number]) for column in (index.starts, index.ends, index.lsns))
    kind = int(index.types[number])
    data = file.read(start, stop - start)
    entry = Entry(0, len(data), Condition.WHOLE, lsn, kind, "")
    for field in record_fields(data, entry, parts=True):
        if start + field.offset >= end:
            return
        yield field._replace(offset=start + field.offset)


def record_story(file: File, index: Index, number: int) -> str:
    """What a record does, in a line."""
    start, stop = int(index.starts[number]) + records.HEADER_BYTES, int(index.ends[number])
    return story(int(index.types[number]) & ~GROUP_START, file.read(start, stop - start))
