"""Snapshots of a node's state machine: files beside the log, made, received, verified and read.

    header        as a segment's, with magic "VSTORRSN"; its LSN is the index that is covered
    records       RAFT_SNAPSHOT with index, term and configuration (size and checksum are 0 in it),
                  then the state in pieces (RAFT_STATE, PUT_MANY: see `machine`), numbered from 1
    last record   MARK with the number of records before it, u64

Each record carries its own CRC32C; `SnapshotMeta.checksum` is the CRC32C of the whole file. A
snapshot file is written under a temporary name and synced, then renamed, and the folder synced. It
**counts** only once the log names it (`storage.name_snapshot`, `storage.install`).

A snapshot from a peer comes in chunks, each synced, into `incoming-INDEX-TERM-SIZE-CHECKSUM`. A
transfer that broke off goes on where it was; after a restart it goes on behind the last whole
record. The file is verified as a whole before it gets its name: a chunk that was repeated, came
late or belongs to another snapshot changes nothing that counts.
"""

from __future__ import annotations

import errno
import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from veristack_lab.errors import NotAStore, SnapshotDamaged, StoreCorrupt
from veristack_lab.kernels import records as framing
from veristack_lab.kernels.crc32c import crc32c
from veristack_lab.veristore.disk import Disk, File
from veristack_lab.veristore.raft import records
from veristack_lab.veristore.raft.configuration import Configuration
from veristack_lab.veristore.raft.entries import SnapshotMeta
from veristack_lab.veristore.raft.records import Record
from veristack_lab.veristore.wal.mutations import RecordType
from veristack_lab.veristore.wal.segment import (
    HEADER_BYTES,
    RAFT_SNAPSHOT_MAGIC,
    TEMPORARY,
    SegmentHeader,
    decode_header,
    read_records,
    refuse_newer,
)

_COUNT = struct.Struct("<Q")
_READ_BYTES = 1024 * 1024
_SYNC_BYTES = 4 * 1024 * 1024
"""Synced this often on the way, as in `memtable.snapshot`."""
_SNAPSHOT = re.compile(r"raft-snapshot-(\d{20})-([0-9a-f]{8})")
_INCOMING = re.compile(r"incoming-(\d{20})-(\d+)-(\d+)-([0-9a-f]{8})")
_FAULTS = (errno.ENOENT, errno.EIO)
"""What a lost or unreadable file says; every other failure is the system's, not the file's."""


def name_of(meta: SnapshotMeta) -> str:
    """The name of a snapshot's file."""
    return f"raft-snapshot-{meta.index:020d}-{meta.checksum:08x}"


def list_names(names: Iterable[str]) -> list[str]:
    """Names of snapshots, finished and incoming, among the names of a folder."""
    return [name for name in names if _SNAPSHOT.fullmatch(name) or _INCOMING.fullmatch(name)]


class Snapshots:
    """The snapshot files of one node. Not thread-safe.

    Args:
        disk, folder: where they lie.
    """

    def __init__(self, disk: Disk, folder: Path) -> None:
        self._disk, self._folder = disk, folder
        self._reading: tuple[SnapshotMeta, File] | None = None
        self._incoming: tuple[SnapshotMeta, File, int] | None = None

    def __repr__(self) -> str:
        return f"<Snapshots in {self._folder}>"

    # ------------------------------------------------------------------ own

    def write(
        self, index: int, term: int, configuration: Configuration, pieces: Iterable[Record]
    ) -> SnapshotMeta:
        """Write a snapshot durably. It does not count yet.

        Raises:
            OSError: the disk failed; the temporary file is removed if possible.
        """
        temporary = self._folder / f"raft-snapshot-{index:020d}{TEMPORARY}"
        if self._disk.exists(temporary):
            self._disk.unlink(temporary)
        file = self._disk.open(temporary, create=True)
        try:
            head = SnapshotMeta(index, term, configuration, 0, 0)
            size_bytes, checksum = _write_file(file, head, pieces)
            file.fdatasync()
        except OSError:
            file.close()
            with suppress(OSError):  # freeing the space is best effort; the first error matters
                self._disk.unlink(temporary)
            raise
        file.close()
        meta = head._replace(size_bytes=size_bytes, checksum=checksum)
        self._publish(temporary, meta)
        return meta

    def _publish(self, temporary: Path, meta: SnapshotMeta) -> None:
        self._disk.rename(temporary, self._folder / name_of(meta))
        self._disk.fsync_dir(self._folder)

    def pieces(self, meta: SnapshotMeta) -> Iterator[Record]:
        """The state in a snapshot, piece by piece; everything is checked on the way.

        Raises:
            SnapshotDamaged: it does not verify. What came before must not be used.
            OSError: the disk failed.
        """
        file = self._disk.open(self._folder / name_of(meta))
        try:
            yield from _read_file(file, meta)
        finally:
            file.close()

    def fault_of(self, meta: SnapshotMeta) -> str:
        """Why a snapshot cannot be used; empty if it verifies. Reads all of it.

        Raises:
            OSError: the system refuses for a reason that is not the file's.
        """
        try:
            for _ in self.pieces(meta):
                pass
        except SnapshotDamaged as error:
            return str(error)
        except OSError as error:
            if error.errno not in _FAULTS:
                raise
            return f"{name_of(meta)} cannot be read ({error})"
        return ""

    def read(self, meta: SnapshotMeta, offset: int, max_bytes: int) -> bytes | None:
        """A chunk of a snapshot's file; None if it is no longer there.

        Raises:
            OSError: the disk failed.
        """
        if self._reading is None or self._reading[0] != meta:
            self._stop_reading()
            path = self._folder / name_of(meta)
            if not self._disk.exists(path):
                return None
            self._reading = meta, self._disk.open(path)
        return self._reading[1].read(offset, min(max_bytes, max(0, meta.size_bytes - offset)))

    def keep_only(self, metas: Sequence[SnapshotMeta]) -> None:
        """Remove every other snapshot, and incoming ones that these make useless.

        Raises:
            OSError: the disk failed.
        """
        kept = {name_of(meta) for meta in metas}
        newest = max((meta.index for meta in metas), default=0)
        for name in self._disk.listdir(self._folder):
            incoming = _INCOMING.fullmatch(name)
            if incoming and int(incoming[1]) <= newest:
                self._forget_incoming()
                self._disk.unlink(self._folder / name)
            elif _SNAPSHOT.fullmatch(name) and name not in kept:
                self._stop_reading()
                self._disk.unlink(self._folder / name)

    # ------------------------------------------------------------- incoming

    def store_chunk(self, meta: SnapshotMeta, offset: int, data: bytes) -> int:
        """Write a piece of an incoming snapshot, durably. Offset 0 begins a new file.

        A piece that leaves a gap or repeats what is held changes nothing.

        Returns:
            How many bytes of the file are held durably.

        Raises:
            SnapshotDamaged: the piece goes beyond the end of the file; the file was removed.
            OSError: the disk failed.
        """
        if offset + len(data) > meta.size_bytes:
            self.discard(meta)
            raise SnapshotDamaged(
                f"bytes {offset} to {offset + len(data)} of a snapshot of {meta.size_bytes}"
            )
        if offset == 0:
            self._begin_incoming(meta)
        if self._incoming is None or self._incoming[0] != meta:
            return 0
        _, file, held = self._incoming
        if offset == held:
            file.pwrite(data, offset)
            file.fdatasync()
            held += len(data)
            self._incoming = meta, file, held
        return held

    def verify(self, meta: SnapshotMeta) -> None:
        """Check an incoming snapshot whole, and give it its name, durably. It does not count yet.

        Raises:
            SnapshotDamaged: it is not what `meta` says; the file was removed.
            OSError: the disk failed.
        """
        if self._incoming is None or self._incoming[0] != meta:
            raise SnapshotDamaged(f"the snapshot up to index {meta.index} is not here")
        _, file, _ = self._incoming
        try:
            for _ in _read_file(file, meta):
                pass
        except SnapshotDamaged:
            self.discard(meta)
            raise
        self._forget_incoming()
        self._publish(self._folder / _incoming_name(meta), meta)

    def discard(self, meta: SnapshotMeta) -> None:
        """Remove an incoming snapshot. Raises `OSError`."""
        if self._incoming is not None and self._incoming[0] == meta:
            self._forget_incoming()
        path = self._folder / _incoming_name(meta)
        if self._disk.exists(path):
            self._disk.unlink(path)

    def find_incoming(self) -> tuple[SnapshotMeta, int] | None:
        """After a restart: the newest transfer that broke off, and how much of it is held.

        What is held ends behind the last whole record; it is synced. Every other is removed.

        Raises:
            OSError: the disk failed.
        """
        names = [name for name in self._disk.listdir(self._folder) if _INCOMING.fullmatch(name)]
        for name in names[:-1]:
            self._disk.unlink(self._folder / name)
        if not names:
            return None
        file = self._disk.open(self._folder / names[-1])
        found = _held_of(file, names[-1])
        if found is None:
            file.close()
            self._disk.unlink(self._folder / names[-1])
            return None
        meta, held = found
        file.truncate(held)
        file.fdatasync()
        self._incoming = meta, file, held
        return found

    def close(self) -> None:
        """Close what is open. Safe to call again."""
        self._stop_reading()
        self._forget_incoming()

    def _begin_incoming(self, meta: SnapshotMeta) -> None:
        self._forget_incoming()
        for name in self._disk.listdir(self._folder):
            if _INCOMING.fullmatch(name):
                self._disk.unlink(self._folder / name)
        file = self._disk.open(self._folder / _incoming_name(meta), create=True)
        self._incoming = meta, file, 0
        self._disk.fsync_dir(self._folder)

    def _forget_incoming(self) -> None:
        incoming, self._incoming = self._incoming, None
        if incoming is not None:
            incoming[1].close()

    def _stop_reading(self) -> None:
        reading, self._reading = self._reading, None
        if reading is not None:
            reading[1].close()


def _incoming_name(meta: SnapshotMeta) -> str:
    return f"incoming-{meta.index:020d}-{meta.term}-{meta.size_bytes}-{meta.checksum:08x}"


def _epoch_of(index: int) -> int:
    return index & framing.MAX_EPOCH


def _write_file(file: File, head: SnapshotMeta, pieces: Iterable[Record]) -> tuple[int, int]:
    """Write everything; the size and the checksum of the file."""
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


def _read_file(file: File, meta: SnapshotMeta) -> Iterator[Record]:
    """The pieces of a snapshot that is checked on the way, its checksum first."""
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


def _held_of(file: File, name: str) -> tuple[SnapshotMeta, int] | None:
    """What the name and the first record of an incoming file say, and where its records end."""
    fields = _INCOMING.fullmatch(name)
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
