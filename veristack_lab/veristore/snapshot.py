"""A snapshot: the whole map at one LSN, in a file of its own.

    header       as a log segment's, with magic "VSTORSNP"; its LSN is the last one included
    records      BATCH records of about 1 MiB, numbered from 1
    last record  MARK with the number of keys as u64

The commit point is the rename from the temporary name, made durable by the sync of the
folder. Before it a reader finds the old snapshot and the whole log; after it the new one.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from veristack_lab.errors import StoreCorrupt
from veristack_lab.kernels import records
from veristack_lab.veristore.disk import Disk, File
from veristack_lab.veristore.mutations import Change, RecordType, decode, encode_batch
from veristack_lab.veristore.segment import (
    HEADER_BYTES,
    SNAPSHOT_MAGIC,
    SegmentHeader,
    decode_header,
    read_records,
)

_COUNT = struct.Struct("<Q")
_PIECE_BYTES = 1024 * 1024
_PREFIX = "snapshot-"
TEMPORARY = ".tmp"


def path_of(folder: Path, lsn: int) -> Path:
    """Where the snapshot up to an LSN lies."""
    return folder / f"{_PREFIX}{lsn:020d}"


def list_lsns(names: Iterable[str]) -> list[int]:
    """LSNs of the finished snapshots among the names of a folder, ascending."""
    digits = (name.removeprefix(_PREFIX) for name in names if name.startswith(_PREFIX))
    return sorted(int(text) for text in digits if text.isdecimal())


def write(
    disk: Disk, folder: Path, lsn: int, epoch: int, pairs: Sequence[tuple[bytes, bytes]]
) -> int:
    """Write a snapshot durably. Returns its size in bytes.

    Raises:
        OSError: as the disk says; no snapshot of this LSN exists then, or it is complete.
    """
    final = path_of(folder, lsn)
    temporary = final.with_name(final.name + TEMPORARY)
    if disk.exists(temporary):
        disk.unlink(temporary)
    file = disk.open(temporary, create=True)
    try:
        size = _write_records(file, lsn, epoch, pairs)
        file.fdatasync()
    except OSError:
        file.close()
        with suppress(OSError):  # the space is wanted back, but the first error matters
            disk.unlink(temporary)
        raise
    file.close()
    disk.rename(temporary, final)
    disk.fsync_dir(folder)
    return size


def _write_records(file: File, lsn: int, epoch: int, pairs: Sequence[tuple[bytes, bytes]]) -> int:
    offset = file.append(SegmentHeader(epoch, lsn, SNAPSHOT_MAGIC).encode()) + HEADER_BYTES
    number = 1
    for piece in _pieces(pairs):
        data = records.frame_records([encode_batch(piece)], [RecordType.BATCH], number, epoch)
        file.pwrite(data, offset)
        offset, number = offset + len(data), number + 1
    data = records.frame_records([_COUNT.pack(len(pairs))], [RecordType.MARK], number, epoch)
    file.pwrite(data, offset)
    return offset + len(data)


def _pieces(pairs: Iterable[tuple[bytes, bytes]]) -> Iterator[list[tuple[bytes, bytes]]]:
    piece: list[tuple[bytes, bytes]] = []
    size = 0
    for pair in pairs:
        piece.append(pair)
        size += len(pair[0]) + len(pair[1])
        if size >= _PIECE_BYTES:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece


def load(disk: Disk, folder: Path, lsn: int, apply: Callable[[Iterable[Change]], None]) -> int:
    """Read a snapshot into a map. Returns the number of keys.

    Raises:
        StoreCorrupt: it is damaged or incomplete.
        NotAStore: it is of a newer version.
    """
    path = path_of(folder, lsn)
    file = disk.open(path)
    try:
        header = decode_header(file.read(0, HEADER_BYTES), path.name, SNAPSHOT_MAGIC)
        if header.first_lsn != lsn:
            raise StoreCorrupt(f"{path.name} says that it ends at LSN {header.first_lsn}")
        return _load_records(file, header.epoch, path.name, apply)
    finally:
        file.close()


def _load_records(
    file: File, epoch: int, name: str, apply: Callable[[Iterable[Change]], None]
) -> int:
    loaded, announced = 0, None
    for window in read_records(file, epoch, 1):
        for kind, payload in window:
            if announced is not None:
                raise StoreCorrupt(f"{name} goes on after its last record; restore a copy")
            if kind == RecordType.MARK:
                (announced,) = _COUNT.unpack(payload)
            else:
                changes = list(decode(kind, payload))
                loaded += len(changes)
                apply(changes)
        end, stop = window.end_offset, window.decoded.stop
    if announced is None or stop is not records.Stop.END or loaded != announced:
        raise StoreCorrupt(
            f"{name} is damaged at byte {end} ({stop.name}); restore a copy of the store"
        )
    return loaded
