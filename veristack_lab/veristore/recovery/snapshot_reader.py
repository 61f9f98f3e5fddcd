"""Reading a snapshot back: wholly, or not at all."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from veristack_lab.errors import NotAStore, StoreCorrupt
from veristack_lab.kernels import records
from veristack_lab.veristore.disk import Disk, File
from veristack_lab.veristore.memtable.snapshot import path_of
from veristack_lab.veristore.recovery.replay import Values, replay
from veristack_lab.veristore.wal.mutations import RecordType
from veristack_lab.veristore.wal.segment import (
    GROUP_START,
    HEADER_BYTES,
    SNAPSHOT_MAGIC,
    SegmentHeader,
    Window,
    decode_header,
    read_records,
    refuse_newer,
)

_COUNT = struct.Struct("<Q")
_MARK = int(RecordType.MARK)


@dataclass(frozen=True)
class Loaded:
    """A snapshot that was found whole."""

    header: SegmentHeader
    values: Values
    """Every key and its value as of `header.first_lsn`."""
    size_bytes: int


def load(disk: Disk, folder: Path, lsn: int) -> Loaded:
    """Read the snapshot of an LSN.

    Raises:
        StoreCorrupt: it is damaged or incomplete.
        NotAStore: it is of a newer version.
        OSError: the disk failed.
    """
    path = path_of(folder, lsn)
    file = disk.open(path)
    try:
        header = _read_header(file, path.name)
        if header.first_lsn != lsn:
            raise StoreCorrupt(f"{path.name} says that it ends at LSN {header.first_lsn}")
        return Loaded(header, _load_records(file, header.epoch, path.name), file.size())
    finally:
        file.close()


def _read_header(file: File, name: str) -> SegmentHeader:
    data = file.read(0, HEADER_BYTES)
    refuse_newer(data, name, SNAPSHOT_MAGIC)
    try:
        return decode_header(data, name, SNAPSHOT_MAGIC)
    except NotAStore as error:  # but it lies in a store, under a store's file name
        raise StoreCorrupt(f"the first bytes of {name} are damaged; restore a copy") from error


def _load_records(file: File, epoch: int, name: str) -> Values:
    values: Values = {}
    announced: int | None = None
    for window in read_records(file, epoch, 1):
        if announced is not None and len(window.decoded):
            raise StoreCorrupt(f"{name} goes on after its last record; restore a copy")
        replay(window, values)
        announced = _announced(window, name)
    end, stop = window.end_offset, window.decoded.stop
    if announced != len(values) or stop is not records.Stop.END:
        raise StoreCorrupt(
            f"{name} is damaged at byte {end} ({stop.name}); restore a copy of the store"
        )
    return values


def _announced(window: Window, name: str) -> int | None:
    """The number of keys in the MARK that ends a snapshot, if this window ends with it."""
    found = window.decoded
    marks = [n for n, kind in enumerate(found.types.tolist()) if kind & ~GROUP_START == _MARK]
    if not marks:
        return None
    length = int(found.payload_lengths[marks[0]])
    if marks != [len(found) - 1] or length != _COUNT.size:
        raise StoreCorrupt(f"{name} goes on after its last record; restore a copy")
    count: int = _COUNT.unpack_from(window.buffer, int(found.payload_offsets[-1]))[0]
    return count
