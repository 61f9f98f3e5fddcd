"""Where the records of a segment lie, and what each byte of some of them is for.

An `Index` costs 25 bytes a record, so a segment of 64 MiB is no trouble; fields are worked out
for one page at a time. Good records behind damage are found as well: what recovery does with
them depends on its mode, but they are there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from veristack_lab.errors import NotAStore, StoreCorrupt, StoreError
from veristack_lab.kernels import records
from veristack_lab.veristore.disk import File
from veristack_lab.veristore.mutations import MAX_PAYLOAD_BYTES, RecordType
from veristack_lab.veristore.salvage import whole_records
from veristack_lab.veristore.segment import GROUP_START, HEADER_BYTES, decode_header

HEADER_LAYOUT = (
    (8, "magic"),
    (2, "version"),
    (2, "header length"),
    (4, "epoch"),
    (8, "first LSN"),
    (4, "damaged from"),
    (4, "crc32c"),
)
RECORD_LAYOUT = (
    (4, "crc32c"),
    (4, "length"),
    (8, "LSN"),
    (4, "epoch"),
    (1, "type"),
    (3, "zero"),
)


class Gap(NamedTuple):
    """A stretch in which no record was found."""

    start: int
    end: int
    reason: str
    is_torn: bool
    """Nothing proves that it was ever durable: the remains of a last write."""


@dataclass(frozen=True)
class Index:
    """The records of one segment. Arrays have shape (n,), ascending."""

    size_bytes: int
    epoch: int
    header_error: StoreError | None
    """Why the header cannot be believed. Without it no record is looked for."""
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    lsns: npt.NDArray[np.int64]
    types: npt.NDArray[np.uint8]
    gaps: tuple[Gap, ...]

    def __len__(self) -> int:
        return len(self.starts)


def index_segment(file: File, name: str, *, is_newest: bool) -> Index:
    """Find every record of a segment.

    Args:
        file: the segment.
        name: what it is called in messages.
        is_newest: whether no segment follows; one that has a successor cannot be torn.
    """
    size = file.size()
    data = file.read(0, size)
    try:
        header = decode_header(data[:HEADER_BYTES], name)
    except (StoreCorrupt, NotAStore) as error:
        rest = (Gap(HEADER_BYTES, size, "HEADER", is_torn=False),) if size > HEADER_BYTES else ()
        empty = np.empty(0, np.int64)
        return Index(size, 0, error, empty, empty, empty, empty.astype(np.uint8), rest)
    first = records.decode_records(
        data, HEADER_BYTES, header.first_lsn, header.epoch, MAX_PAYLOAD_BYTES
    )
    runs = [(header.first_lsn, first)]
    if first.end_offset < size:
        due = header.first_lsn + len(first)
        found = whole_records(data, first.end_offset, header.epoch, due)
        runs += [(window.first_lsn, window.decoded) for window in found]
    gaps = _gaps(size, runs, is_newest=is_newest)
    return Index(size, header.epoch, None, *_joined(runs), tuple(gaps))


_Run = tuple[int, records.Decoded]
"""LSN of the first record, and the records: all of them whole, one behind the other."""


def _gaps(size: int, runs: Sequence[_Run], *, is_newest: bool) -> Iterator[Gap]:
    starts = [int(run.payload_offsets[0]) - records.HEADER_BYTES for _, run in runs[1:]]
    has_group = [bool((run.types & GROUP_START).any()) for _, run in runs]
    for number, ((_, run), end) in enumerate(zip(runs, [*starts, size], strict=True), 1):
        if run.end_offset < end:
            is_torn = is_newest and not any(has_group[number:])
            yield Gap(run.end_offset, end, run.stop.name, is_torn)


def _joined(
    runs: Sequence[_Run],
) -> tuple[
    npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.uint8]
]:
    return (
        np.concatenate([run.payload_offsets - records.HEADER_BYTES for _, run in runs]),
        np.concatenate([run.payload_offsets + run.payload_lengths for _, run in runs]),
        np.concatenate([np.arange(lsn, lsn + len(run), dtype=np.int64) for lsn, run in runs]),
        np.concatenate([run.types for _, run in runs]),
    )


class Piece(NamedTuple):
    """A run of bytes with one meaning."""

    offset: int
    size_bytes: int
    lsn: int
    """LSN of the record it belongs to; 0 for the segment header, -1 where no record is."""
    name: str
    value: str


def pieces(file: File, index: Index, start: int, end: int) -> list[Piece]:
    """What each byte from `start` to `end` is for; pieces that only touch them are whole."""
    found: list[Piece] = []
    if start < HEADER_BYTES:
        found += _split(file.read(0, HEADER_BYTES), 0, 0, HEADER_LAYOUT)
    first = int(np.searchsorted(index.ends, start, side="right"))
    last = int(np.searchsorted(index.starts, end, side="left"))
    for number in range(first, last):
        found += record_pieces(file, index, number, end)
    for gap in index.gaps:
        name = "torn tail" if gap.is_torn else "damage"
        found.append(Piece(gap.start, gap.end - gap.start, -1, name, gap.reason))
    touching = [
        p for p in found if p.size_bytes and p.offset < end and p.offset + p.size_bytes > start
    ]
    return sorted(touching)


def record_pieces(file: File, index: Index, number: int, end: int) -> Iterator[Piece]:
    """The fields of one record, as far as they begin before `end`."""
    start, stop, lsn = (int(column[number]) for column in (index.starts, index.ends, index.lsns))
    payload_at = start + records.HEADER_BYTES
    yield from _split(file.read(start, records.HEADER_BYTES), start, lsn, RECORD_LAYOUT)
    kind = int(index.types[number]) & ~GROUP_START
    if payload_at < min(end, stop):
        payload = file.read(payload_at, stop - payload_at)
        for piece in _payload(kind, payload, lsn):
            if payload_at + piece.offset >= end:
                return
            yield piece._replace(offset=payload_at + piece.offset)


def _split(
    data: bytes, offset: int, lsn: int, layout: tuple[tuple[int, str], ...]
) -> Iterator[Piece]:
    at = 0
    for size, name in layout:
        yield Piece(offset + at, size, lsn, name, _value(name, data[at : at + size]))
        at += size


def _value(name: str, raw: bytes) -> str:
    if name == "magic":
        return raw.decode("latin-1")
    if name == "crc32c":
        return f"0x{int.from_bytes(raw, 'little'):08x}"
    if name == "type":
        return type_name(raw[0])
    return f"{int.from_bytes(raw, 'little'):,}"


def type_name(kind: int) -> str:
    """A type byte in words."""
    plain = kind & ~GROUP_START
    known = {int(t): t.name for t in RecordType}
    name = known.get(plain, f"unknown type {plain}")
    return f"{name}, first of its group" if kind & GROUP_START else name


_LENGTH_BYTES = 4
_SHOWN_BYTES = 24


def shown(data: bytes) -> str:
    """The beginning of some bytes, as text where they are text."""
    text = repr(data[:_SHOWN_BYTES])[1:]
    return f"{text}... ({len(data):,} bytes)" if len(data) > _SHOWN_BYTES else text


def _payload(kind: int, payload: bytes, lsn: int) -> Iterator[Piece]:
    if kind == RecordType.PUT:
        yield from _put(payload, lsn)
    elif kind == RecordType.DELETE:
        yield Piece(0, len(payload), lsn, "key", shown(payload))
    elif kind == RecordType.BATCH:
        yield from _batch(payload, lsn)
    else:
        yield Piece(0, len(payload), lsn, "payload", shown(payload))


def _put(payload: bytes, lsn: int) -> Iterator[Piece]:
    size = int.from_bytes(payload[:_LENGTH_BYTES], "little")
    key_end = _LENGTH_BYTES + size
    yield Piece(0, _LENGTH_BYTES, lsn, "key length", f"{size:,}")
    yield Piece(_LENGTH_BYTES, size, lsn, "key", shown(payload[_LENGTH_BYTES:key_end]))
    yield Piece(key_end, len(payload) - key_end, lsn, "value", shown(payload[key_end:]))


def _batch(payload: bytes, lsn: int) -> Iterator[Piece]:
    at = 0
    while at < len(payload):
        key_size = int.from_bytes(payload[at + 1 : at + 5], "little")
        value_size = int.from_bytes(payload[at + 5 : at + 9], "little")
        key_at, value_at = at + 9, at + 9 + key_size
        yield Piece(at, 1, lsn, "operation", type_name(payload[at]))
        yield Piece(at + 1, 4, lsn, "key length", f"{key_size:,}")
        yield Piece(at + 5, 4, lsn, "value length", f"{value_size:,}")
        yield Piece(key_at, key_size, lsn, "key", shown(payload[key_at:value_at]))
        at = value_at + value_size
        yield Piece(value_at, value_size, lsn, "value", shown(payload[value_at:at]))
