"""A snapshot is written over its final name, unsynced, and then the log is deleted.

From the first write until the system writes its cache back, no whole copy of the data exists: the
new snapshot has its name but not its bytes, and the log that held them is gone. The healthy engine
writes under another name, syncs, renames, syncs the folder, and only then removes the log.
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
from veristack_lab.veristore.memtable.snapshot import TEMPORARY, SnapshotWriter
from veristack_lab.veristore.wal.columns import Columns


class _File(FileBefore):
    def fdatasync(self) -> None:
        """Left out."""


class _Disk(DiskBefore):
    """Gives the temporary file its final name at once."""

    def open(self, path: Path, *, create: bool = False) -> File:
        return _File(self.behind.open(_final(path), create=create))


def _final(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(TEMPORARY))


class _Writer(SnapshotWriter):
    def write(self, lsn: int, epoch: int, pieces: Iterable[Columns], damaged_from: int = 0) -> Path:
        in_place = SnapshotWriter(_Disk(self._disk), self._folder)
        return in_place.write(lsn, epoch, pieces, damaged_from)

    def publish(self, temporary: Path, lsn: int) -> None:
        """Does nothing: the file has its name already."""


class _Store(Store):
    snapshot_type = _Writer


EXHIBIT = Exhibit(
    __name__,
    title="a snapshot overwrites its final name and the log goes at once",
    promise="opens",
    source="ancestor, V4",
    seam="SnapshotWriter.write and publish",
    trial=PowerCuts(stages.snapshots, engine_of(store_type=_Store), seed=1, samples=200),
)
