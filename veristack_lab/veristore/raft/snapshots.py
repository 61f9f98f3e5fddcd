"""Snapshots of a node's state machine: files beside the log, made, received, verified and read.

A snapshot file (`snapshot_file`) is written under a temporary name and synced, then renamed, and
the folder synced. It **counts** only once the log names it (`storage.name_snapshot`,
`storage.install`).

A snapshot from a peer comes in chunks, each synced, into `incoming-INDEX-TERM-SIZE-CHECKSUM`. A
transfer that broke off goes on where it was; after a restart it goes on behind the last whole
record. The file is verified as a whole before it gets its name: a chunk that was repeated, came
late or belongs to another snapshot changes nothing that counts.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from veristack_lab.veristore.disk import Disk, File
from veristack_lab.veristore.raft.configuration import Configuration
from veristack_lab.veristore.raft.entries import SnapshotMeta
from veristack_lab.veristore.raft.errors import SnapshotDamaged
from veristack_lab.veristore.raft.records import Record
from veristack_lab.veristore.raft.snapshot_file import (
    INCOMING_NAME,
    SNAPSHOT_NAME,
    held_of,
    incoming_name,
    name_of,
    read_snapshot,
    write_snapshot,
)
from veristack_lab.veristore.wal.segment import TEMPORARY

_FAULTS = (errno.ENOENT, errno.EIO)
"""What a lost or unreadable file says; every other failure is the system's, not the file's."""


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
            size_bytes, checksum = write_snapshot(file, head, pieces)
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
            yield from read_snapshot(file, meta)
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
            incoming = INCOMING_NAME.fullmatch(name)
            if incoming and int(incoming[1]) <= newest:
                self._forget_incoming()
                self._disk.unlink(self._folder / name)
            elif SNAPSHOT_NAME.fullmatch(name) and name not in kept:
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
            for _ in read_snapshot(file, meta):
                pass
        except SnapshotDamaged:
            self.discard(meta)
            raise
        self._forget_incoming()
        self._publish(self._folder / incoming_name(meta), meta)

    def discard(self, meta: SnapshotMeta) -> None:
        """Remove an incoming snapshot. Raises `OSError`."""
        if self._incoming is not None and self._incoming[0] == meta:
            self._forget_incoming()
        path = self._folder / incoming_name(meta)
        if self._disk.exists(path):
            self._disk.unlink(path)

    def find_incoming(self) -> tuple[SnapshotMeta, int] | None:
        """After a restart: the newest transfer that broke off, and how much of it is held.

        What is held ends behind the last whole record; it is synced. Every other is removed.

        Raises:
            OSError: the disk failed.
        """
        names = [name for name in self._disk.listdir(self._folder) if INCOMING_NAME.fullmatch(name)]
        for name in names[:-1]:
            self._disk.unlink(self._folder / name)
        if not names:
            return None
        file = self._disk.open(self._folder / names[-1])
        found = held_of(file, names[-1])
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
            if INCOMING_NAME.fullmatch(name):
                self._disk.unlink(self._folder / name)
        file = self._disk.open(self._folder / incoming_name(meta), create=True)
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
