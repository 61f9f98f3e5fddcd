"""The old log is removed before the new snapshot has its name.

For a moment neither is there: the old files are gone and the new one still has the temporary
name that recovery does not look at. The healthy engine removes what a snapshot replaces only
after the snapshot is durable under its own name.
"""

from __future__ import annotations

from pathlib import Path

from veristack_lab.museum.exhibit import Exhibit
from veristack_lab.museum.store import stages
from veristack_lab.museum.store.trials import PowerCuts
from veristack_lab.sim.store.engine import engine_of
from veristack_lab.veristore.kv import Store
from veristack_lab.veristore.memtable.snapshot import SnapshotWriter
from veristack_lab.veristore.wal import log as wal


class _Writer(SnapshotWriter):
    def publish(self, temporary: Path, lsn: int) -> None:
        epochs = wal.list_epochs(self._disk.listdir(self._folder))
        self.remove_older(lsn, epochs[-1])
        super().publish(temporary, lsn)


class _Store(Store):
    snapshot_type = _Writer


EXHIBIT = Exhibit(
    __name__,
    title="the old log goes before the new snapshot has its name",
    promise="opens",
    source="LevelDB issue 195",
    seam="SnapshotWriter.publish",
    trial=PowerCuts(stages.snapshots, engine_of(store_type=_Store), seed=1, samples=200),
)
