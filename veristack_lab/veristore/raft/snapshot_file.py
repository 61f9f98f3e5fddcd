"""The file of one snapshot: how it is named, written, verified and read.

    header        as a segment's, with magic "VSTORRSN"; its LSN is the index that is covered
    records       RAFT_SNAPSHOT with index, term and configuration (size and checksum are 0 in it),
                  then the state in pieces (RAFT_STATE, PUT_MANY: see `machine`), numbered from 1
    last record   MARK with the number of records before it, u64

Each record carries its own CRC32C; `SnapshotMeta.checksum` is the CRC32C of the whole file.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator

from veristack_lab.errors import NotAStore, StoreCorrupt
from veristack_lab.kernels import records as framing
from veristack_lab.kernels.crc32c import crc32c
from veristack_lab.veristore.disk import File
from veristack_lab.veristore.raft import records
from veristack_lab.veristore.raft.entries import SnapshotMeta
from veristack_lab.veristore.raft.errors import SnapshotDamaged
from veristack_lab.veristore.raft.records import Record
from veristack_lab.veristore.wal.mutations import RecordType
from veristack_lab.veristore.wal.segment import (
    HEADER_BYTES,
    RAFT_SNAPSHOT_MAGIC,
    SegmentHeader,
    decode_header,
    read_records,
    refuse_newer,
)

_COUNT = struct.Struct("<Q")
_READ_BYTES = 1024 * 1024
_SYNC_BYTES = 4 * 1024 * 1024
"""Synced this often on the way, as in `memtable.snapshot`."""
SNAPSHOT_NAME = re.compile(r"raft-snapshot-(\d{20})-([0-9a-f]{8})")
INCOMING_NAME = re.compile(r"incoming-(\d{20})-(\d+)-(\d+)-([0-9a-f]{8})")


def name_of(meta: SnapshotMeta) -> str:
    """The name of a snapshot's file."""
    return f"raft-snapshot-{meta.index:020d}-{meta.checksum:08x}"


def list_names(names: Iterable[str]) -> list[str]:
    """Names of snapshots, finished and incoming, among the names of a folder."""
    return [
        name for name in names if SNAPSHOT_NAME.fullmatch(name) or INCOMING_NAME.fullmatch(name)
    ]


def incoming_name(meta: SnapshotMeta) -> str:
    """The name of the file of a transfer."""
    return f"incoming-{meta.index:020d}-{meta.term}-{meta.size_bytes}-{meta.checksum:08x}"


def _epoch_of(index: int) -> int:
    return index & framing.MAX_EPOCH


def write_snapshot(file: File, head: SnapshotMeta, pieces: Iterable[Record]) -> tuple[int, int]:
    """Write everything into a new file; its size and checksum. Raises `OSError`."""
    epoch = _epoch_of(head.index)
    data = SegmentHeader(epoch, head.index, RAFT_SNAPSHOT_MAGIC).encode()
    offset = checksum = synced = number = 0
    waiting: Iterator[Record] = iter([records.encode_snapshot(head)])
    rest, is_done = iter(pieces), False
    while True:
        file.pwrite(data, offset)
        offset, checksum = offset + len(data), crc32c(data, checksum)
        if offset - synced >= _SYNC_BYTES:
            file.fdatasync()
            synced = offset
        if is_done:
            return offset, checksum
        record = next(waiting, None) or next(rest, None)
        if record is None:
            record, is_done = (RecordType.MARK, _COUNT.pack(number)), True
        number += 1
        data = framing.frame_records([record[1]], [record[0]], number, epoch)


def read_snapshot(file: File, meta: SnapshotMeta) -> Iterator[Record]:
    """The pieces of a snapshot that is checked on the way, its checksum first.

    Raises:
        SnapshotDamaged: it does not verify. What came before must not be used.
        OSError: the disk failed.
    """
    name = name_of(meta)
    size_bytes, checksum, offset = file.size(), 0, 0
    if size_bytes != meta.size_bytes:
        raise SnapshotDamaged(f"{name} has {size_bytes:,} bytes, not {meta.size_bytes:,}")
    while offset < size_bytes:
        data = file.read(offset, _READ_BYTES)
        offset, checksum = offset + len(data), crc32c(data, checksum)
    if checksum != meta.checksum:
        raise SnapshotDamaged(f"{name} has checksum {checksum:08x}, not {meta.checksum:08x}")
    is_ended = False
    for number, record in enumerate(_records_of(file, name)):
        if is_ended or (number == 0) != (record[0] == RecordType.RAFT_SNAPSHOT):
            raise SnapshotDamaged(f"{name} has records in the wrong order")
        if number == 0:
            _check_head(record, meta, name)
        elif record[0] == RecordType.MARK:
            is_ended = record[1] == _COUNT.pack(number)
        else:
            yield record
    if not is_ended:
        raise SnapshotDamaged(f"{name} ends too early")


def _check_head(record: Record, meta: SnapshotMeta, name: str) -> None:
    try:
        head = records.decode_snapshot(record[1])
    except StoreCorrupt as error:
        raise SnapshotDamaged(f"{name}: {error}") from error
    if head != meta._replace(size_bytes=0, checksum=0):
        raise SnapshotDamaged(f"{name} holds the snapshot of index {head.index}, term {head.term}")


def _records_of(file: File, name: str) -> Iterator[Record]:
    """All records of a file that is whole."""
    data = file.read(0, HEADER_BYTES)
    try:
        refuse_newer(data, name, RAFT_SNAPSHOT_MAGIC)
        header = decode_header(data, name, RAFT_SNAPSHOT_MAGIC)
    except (NotAStore, StoreCorrupt) as error:
        raise SnapshotDamaged(str(error)) from error
    stop = framing.Stop.END
    for window in read_records(file, header.epoch, 1):
        for kind, payload in window:
            if kind not in _TYPES:
                raise SnapshotDamaged(f"{name} has a record of type {kind}")
            yield RecordType(kind), payload
        stop = window.decoded.stop
    if stop is not framing.Stop.END:
        raise SnapshotDamaged(f"{name} is damaged ({stop.name})")


_TYPES = frozenset(RecordType)


def held_of(file: File, name: str) -> tuple[SnapshotMeta, int] | None:
    """What the name and the first record of an incoming file say, and where its records end."""
    fields = INCOMING_NAME.fullmatch(name)
    assert fields is not None
    index, term, size_bytes = int(fields[1]), int(fields[2]), int(fields[3])
    try:
        header = decode_header(file.read(0, HEADER_BYTES), name, RAFT_SNAPSHOT_MAGIC)
        windows = read_records(file, header.epoch, 1)
        first = next(windows)
        kind, payload = next(iter(first))
        head = records.decode_snapshot(payload)
    except (NotAStore, StoreCorrupt, StopIteration):
        return None
    if kind != RecordType.RAFT_SNAPSHOT or head[:2] != (index, term):
        return None
    end = first.end_offset
    for window in windows:
        end = window.end_offset
    return head._replace(size_bytes=size_bytes, checksum=int(fields[4], 16)), end
