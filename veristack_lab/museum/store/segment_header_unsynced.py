"""A new segment gets its name before its header is on the disk.

The folder is synced, the file is not: after the power cut there is a segment whose header is
zeros, and a new segment cannot be told from a damaged one. The healthy engine writes the
header under a temporary name, syncs it, renames, and syncs the folder: a segment that has its
name has its header.
"""

from __future__ import annotations

from pathlib import Path

from veristack_lab.museum.exhibit import Exhibit
from veristack_lab.museum.store import stages
from veristack_lab.museum.store.seams import DiskBefore, FileBefore
from veristack_lab.museum.store.trials import PowerCuts
from veristack_lab.sim.store.engine import engine_of
from veristack_lab.veristore.disk import File
from veristack_lab.veristore.kv import Store
from veristack_lab.veristore.wal.log import Log


class _File(FileBefore):
    def fdatasync(self) -> None:
        """Left out."""


class _Disk(DiskBefore):
    def open(self, path: Path, *, create: bool = False) -> File:
        file = self.behind.open(path, create=create)
        return _File(file) if create else file


class _Log(Log):
    def rotate(self) -> int:
        disk, self._disk = self._disk, _Disk(self._disk)
        try:
            epoch = super().rotate()
        finally:
            self._disk = disk
        if isinstance(self._file, _File):
            self._file = self._file.behind
        return epoch


class _Store(Store):
    log_type = _Log


EXHIBIT = Exhibit(
    __name__,
    title="a new segment has its name before its header is durable",
    promise="no-false-alarm",
    source="the create-and-rename recipes that ALICE (OSDI 2014) tested",
    seam="Log.rotate",
    trial=PowerCuts(stages.segments, engine_of(store_type=_Store), seed=1, samples=300),
)
