"""A new log segment is written to before its name is durable.

The file's data is synced after every write, and yet all of it can vanish: syncing a file says
nothing about its name, which lives in the folder. The healthy engine syncs the folder once,
when the segment is made, and before anything in it counts.
"""

from __future__ import annotations

from pathlib import Path

from veristack_lab.museum.exhibit import Exhibit
from veristack_lab.museum.store import stages
from veristack_lab.museum.store.seams import DiskBefore
from veristack_lab.museum.store.trials import PowerCuts
from veristack_lab.sim.store.engine import engine_of
from veristack_lab.veristore.kv import Store
from veristack_lab.veristore.wal.log import Log


class _Disk(DiskBefore):
    def fsync_dir(self, path: Path) -> None:
        """Left out."""


class _Log(Log):
    def rotate(self) -> int:
        disk, self._disk = self._disk, _Disk(self._disk)
        try:
            return super().rotate()
        finally:
            self._disk = disk


class _Store(Store):
    log_type = _Log


EXHIBIT = Exhibit(
    __name__,
    title="a new segment counts before its folder is synced",
    promise="acknowledged-present",
    source="litestream pull request 1344 and others, still found in 2026",
    seam="Log.rotate",
    trial=PowerCuts(stages.segments, engine_of(store_type=_Store), seed=1, samples=200),
)
