"""A failed sync is tried again, and the second time it succeeds.

When a sync fails, Linux marks the pages clean anyway. The next sync has nothing to write
and reports success, and the data is nowhere. PostgreSQL retried for twenty years; since 2018 it
stops at once. So does the healthy engine: after a failed write or sync it takes no more writes,
and what it acknowledges after a reopening it has read back from the disk.
"""

from __future__ import annotations

from pathlib import Path

from veristack_lab.museum.exhibit import Exhibit
from veristack_lab.museum.store import stages
from veristack_lab.museum.store.seams import DiskBefore, FileBefore
from veristack_lab.museum.store.trials import PowerCuts
from veristack_lab.sim.store.engine import engine_of
from veristack_lab.veristore.disk import File


class _File(FileBefore):
    def fdatasync(self) -> None:
        try:
            self.behind.fdatasync()
        except OSError:
            self.behind.fdatasync()


class _Disk(DiskBefore):
    def open(self, path: Path, *, create: bool = False) -> File:
        return _File(self.behind.open(path, create=create))


EXHIBIT = Exhibit(
    __name__,
    title="a failed sync is retried",
    promise="acknowledged-present",
    source="PostgreSQL's fsyncgate, 2018; Rebello et al., ATC 2020",
    seam="File.fdatasync",
    trial=PowerCuts(stages.failing_disk, engine_of(disk=_Disk), seed=1, samples=200),
)
