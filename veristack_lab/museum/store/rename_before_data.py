"""A snapshot gets its name before its data is on the disk.

Writing a new file and renaming it over the old one looks atomic, and for names it is. But the
rename may reach the disk before the data does: after the power cut the snapshot has its final
name, its full length, and zeros inside. Delayed allocation in ext4 made desktops lose their
settings by this in 2009. The healthy engine syncs the file before it renames it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from veristack_lab.museum.exhibit import Exhibit
from veristack_lab.museum.store import stages
from veristack_lab.museum.store.seams import DiskBefore, FileBefore
from veristack_lab.museum.store.trials import PowerCuts
from veristack_lab.sim.store.engine import engine_of
from veristack_lab.veristore.disk import File
from veristack_lab.veristore.kv import Store
from veristack_lab.veristore.memtable.snapshot import SnapshotWriter
from veristack_lab.veristore.wal.columns import Columns


class _File(FileBefore):
    def fdatasync(self) -> None:
        """Left out."""


class _Disk(DiskBefore):
    def open(self, path: Path, *, create: bool = False) -> File:
        return _File(self.behind.open(path, create=create))


class _Writer(SnapshotWriter):
    def write(self, lsn: int, epoch: int, pieces: Iterable[Columns], damaged_from: int = 0) -> Path:
        unsynced = SnapshotWriter(_Disk(self._disk), self._folder)
        return unsynced.write(lsn, epoch, pieces, damaged_from)


class _Store(Store):
    snapshot_type = _Writer


EXHIBIT = Exhibit(
    __name__,
    title="a snapshot is renamed before its data is synced",
    promise="opens",
    source="ext4 delayed allocation, 2009; ALICE (OSDI 2014)",
    seam="SnapshotWriter.write",
    trial=PowerCuts(stages.snapshots, engine_of(store_type=_Store), seed=1, samples=300),
)
