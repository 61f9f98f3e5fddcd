"""A log segment that a snapshot has replaced is replayed once more.

Removing a file is durable only when its folder is synced, so after a power cut a replaced
segment may be back. Replayed after the snapshot, it brings deleted keys back and overwrites new
values with old ones. The healthy engine knows by the snapshot's epoch which segments it replaces,
and by the epoch inside each record's checksum to which file a record belongs.
"""

from __future__ import annotations

from veristack_lab.museum.exhibit import Exhibit
from veristack_lab.museum.store import stages
from veristack_lab.museum.store.trials import PowerCuts
from veristack_lab.sim.store.engine import engine_of
from veristack_lab.veristore.kv import Store
from veristack_lab.veristore.recovery.findings import Findings
from veristack_lab.veristore.recovery.recoverer import Recoverer
from veristack_lab.veristore.recovery.replay import replay
from veristack_lab.veristore.wal.segment import read_records


class _Recoverer(Recoverer):
    def choose_segments(self, found: Findings) -> None:
        super().choose_segments(found)
        for epoch in found.stale:
            segment = self.open_segment(epoch)
            if segment.header is not None:
                for window in read_records(segment.file, epoch, segment.header.first_lsn):
                    replay(window, found.values)
            segment.file.close()


class _Store(Store):
    recoverer_type = _Recoverer


EXHIBIT = Exhibit(
    __name__,
    title="a segment from before the snapshot is replayed",
    promise="acknowledged-present",
    source="recycled logs in RocksDB and SQLite, which salt their records against it",
    seam="Recoverer.choose_segments",
    trial=PowerCuts(stages.rewritten_segments, engine_of(store_type=_Store), seed=1, samples=400),
)
