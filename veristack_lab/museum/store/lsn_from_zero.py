"""After a snapshot and an empty log, sequence numbers begin again at one.

The ancestor takes the next sequence number from the last log record it has read. When a
snapshot has just replaced the log there is none, so it begins again. Versions that were newer
are now older, and readers at a version see the wrong one. The healthy engine writes the LSN
into the snapshot and into every segment's header, and goes on from the highest it has seen.
"""

from __future__ import annotations

from veristack_lab.museum.exhibit import Exhibit
from veristack_lab.museum.store import stages
from veristack_lab.museum.store.trials import PowerCuts
from veristack_lab.sim.store.engine import engine_of
from veristack_lab.veristore.kv import Store
from veristack_lab.veristore.recovery.findings import FIRST_LSN, Findings, Segment
from veristack_lab.veristore.recovery.recoverer import Recoverer
from veristack_lab.veristore.wal.log import Log


class _Recoverer(Recoverer):
    def open_for_appending(self, last: Segment, found: Findings) -> Log:
        if not found.records:
            found.next_lsn = FIRST_LSN
        return super().open_for_appending(last, found)


class _Store(Store):
    recoverer_type = _Recoverer


EXHIBIT = Exhibit(
    __name__,
    title="sequence numbers begin again after a snapshot",
    promise="lsn-never-back",
    source="ancestor, V6",
    seam="Recoverer.open_for_appending",
    trial=PowerCuts(stages.snapshots, engine_of(store_type=_Store), seed=1, samples=200),
)
