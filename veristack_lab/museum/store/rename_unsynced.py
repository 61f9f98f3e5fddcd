"""A snapshot is renamed, but its folder never synced, and then the log goes.

A rename is a change of the folder, and durable only when the folder is synced. Without that the
power cut may undo the rename and keep the removal of the log, since nothing orders the two. The
healthy engine syncs the folder between them.
"""

from __future__ import annotations

from pathlib import Path

from veristack_lab.museum.exhibit import Exhibit
from veristack_lab.museum.store import stages
from veristack_lab.museum.store.trials import PowerCuts
from veristack_lab.sim.store.engine import engine_of
from veristack_lab.veristore.kv import Store
from veristack_lab.veristore.memtable.snapshot import SnapshotWriter, path_of


class _Writer(SnapshotWriter):
    def publish(self, temporary: Path, lsn: int) -> None:
        self._disk.rename(temporary, path_of(self._folder, lsn))


class _Store(Store):
    snapshot_type = _Writer


EXHIBIT = Exhibit(
    __name__,
    title="a rename without a sync of its folder",
    promise="acknowledged-present",
    source="LevelDB issues 189 and 195, found by ALICE (OSDI 2014)",
    seam="SnapshotWriter.publish",
    trial=PowerCuts(stages.snapshots, engine_of(store_type=_Store), seed=1, samples=300),
)
