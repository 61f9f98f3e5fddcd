"""A snapshot: the whole map at one LSN, in a file of its own (read by `recovery.snapshot_reader`).

    header       as a log segment's, with magic "VSTORSNP"; its LSN is the last one included
    records      PUT_MANY records, numbered from 1; BATCH records in format version 1
    last record  MARK with the number of keys as u64

The commit point is the rename from the temporary name, made durable by the sync of the
folder. Before it a reader finds the old snapshot and the whole log; after it the new one.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from veristack_lab.kernels import records
from veristack_lab.veristore.disk import Disk, File
from veristack_lab.veristore.wal import log as wal
from veristack_lab.veristore.wal.columns import Columns, encode_columns
from veristack_lab.veristore.wal.mutations import RecordType
from veristack_lab.veristore.wal.segment import (
    HEADER_BYTES,
    SNAPSHOT_MAGIC,
    TEMPORARY,
    SegmentHeader,
)

__all__ = ["TEMPORARY", "SnapshotWriter", "list_lsns", "path_of"]

_COUNT = struct.Struct("<Q")
_SYNC_BYTES = 4 * 1024 * 1024
"""Synced this often on the way: one sync of the whole would keep the disk from the writers for
as long as it takes (compare `bytes_per_sync` of RocksDB)."""
_PREFIX = "snapshot-"


def path_of(folder: Path, lsn: int) -> Path:
    """Where the snapshot up to an LSN lies."""
    return folder / f"{_PREFIX}{lsn:020d}"


def list_lsns(names: Iterable[str]) -> list[int]:
    """LSNs of the finished snapshots among the names of a folder, ascending."""
    digits = (name.removeprefix(_PREFIX) for name in names if name.startswith(_PREFIX))
    return sorted(int(text) for text in digits if text.isdecimal())


class SnapshotWriter:
    """Writes snapshots of one store, each step a method.

    Args:
        disk, folder: the location of the store.
    """

    def __init__(self, disk: Disk, folder: Path) -> None:
        self._disk = disk
        self._folder = folder

    def write(self, lsn: int, epoch: int, pieces: Iterable[Columns], damaged_from: int = 0) -> Path:
        """Write a snapshot under its temporary name and sync it. Returns the path.

        Args:
            lsn: the last one that the snapshot includes.
            epoch: of the segment that begins after it.
            pieces: all pairs, in any order, each key once.
            damaged_from: see `SegmentHeader.damaged_from`.

        Raises:
            OSError: the disk failed; the temporary file is removed if possible.
        """
        path = path_of(self._folder, lsn)
        temporary = path.with_name(path.name + TEMPORARY)
        if self._disk.exists(temporary):
            self._disk.unlink(temporary)
        file = self._disk.open(temporary, create=True)
        try:
            header = SegmentHeader(epoch, lsn, SNAPSHOT_MAGIC, damaged_from=damaged_from)
            _write_records(file, header, pieces)
            file.fdatasync()
        except OSError:
            file.close()
            with suppress(OSError):  # freeing the space is best effort; the first error matters
                self._disk.unlink(temporary)
            raise
        file.close()
        return temporary

    def publish(self, temporary: Path, lsn: int) -> None:
        """Give the snapshot its name, durably: the commit point of a checkpoint."""
        self._disk.rename(temporary, path_of(self._folder, lsn))
        self._disk.fsync_dir(self._folder)

    def remove_older(self, lsn: int, epoch: int) -> None:
        """Remove segments before this epoch and snapshots before this LSN."""
        names = self._disk.listdir(self._folder)
        for old_epoch in wal.list_epochs(names):
            if old_epoch < epoch:
                self._disk.unlink(wal.path_of(self._folder, old_epoch))
        for old_lsn in list_lsns(names):
            if old_lsn < lsn:
                self._disk.unlink(path_of(self._folder, old_lsn))


def _write_records(file: File, header: SegmentHeader, pieces: Iterable[Columns]) -> None:
    epoch, offset = header.epoch, file.append(header.encode()) + HEADER_BYTES
    number, keys, synced = 1, 0, offset
    for piece in pieces:
        lengths = [*map(len, piece.keys)], [*map(len, piece.values)]
        payload = encode_columns(piece, *lengths)
        data = records.frame_records([payload], [RecordType.PUT_MANY], number, epoch)
        file.pwrite(data, offset)
        offset, number, keys = offset + len(data), number + 1, keys + len(piece)
        if offset - synced >= _SYNC_BYTES:
            file.fdatasync()
            synced = offset
    data = records.frame_records([_COUNT.pack(keys)], [RecordType.MARK], number, epoch)
    file.pwrite(data, offset)
