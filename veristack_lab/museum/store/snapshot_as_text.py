"""A snapshot is a text file with a space between key and value.

The ancestor's SNAP writes "key value" lines and reads them back word by word. A value with a space
comes back cut, one with a tab or a line end corrupts its neighbours, and since the object store's
metadata is separated by tabs, one SNAP destroys every object. No power cut is needed. The healthy
engine writes lengths and bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from veristack_lab.museum.exhibit import Exhibit
from veristack_lab.museum.store import stages
from veristack_lab.museum.store.trials import PowerCuts
from veristack_lab.sim.store.engine import engine_of
from veristack_lab.veristore.kv import Store
from veristack_lab.veristore.memtable.snapshot import SnapshotWriter
from veristack_lab.veristore.wal.columns import Columns


class _Writer(SnapshotWriter):
    def write(self, lsn: int, epoch: int, pieces: Iterable[Columns], damaged_from: int = 0) -> Path:
        return super().write(lsn, epoch, map(_through_text, pieces), damaged_from)


def _through_text(piece: Columns) -> Columns:
    words = [value.split()[:1] for value in piece.values]
    return Columns(piece.keys, [word[0] if word else b"" for word in words])


class _Store(Store):
    snapshot_type = _Writer


EXHIBIT = Exhibit(
    __name__,
    title="a snapshot separates by white space",
    promise="acknowledged-present",
    source="ancestor, V3",
    seam="SnapshotWriter.write",
    trial=PowerCuts(stages.notes, engine_of(store_type=_Store), seed=1, samples=60),
)
