"""Recovery serves what it has read without syncing it.

When a process dies without the power failing, the page cache lives on. The next process reads
records that no sync ever covered, serves them to its clients, and a power cut takes them: clients
saw data that no longer exists. The same holds for the cut of a torn tail. The healthy engine syncs
the log once before it serves anything.
"""

from __future__ import annotations

from veristack_lab.museum.exhibit import Exhibit
from veristack_lab.museum.store import stages
from veristack_lab.museum.store.trials import PowerCuts
from veristack_lab.sim.store.engine import engine_of
from veristack_lab.veristore.kv import Store
from veristack_lab.veristore.recovery.findings import Findings, Segment
from veristack_lab.veristore.recovery.recoverer import Recoverer


class _Recoverer(Recoverer):
    def cut_tail(self, last: Segment, found: Findings) -> None:
        if found.torn_bytes:
            last.file.truncate(found.end_offset)


class _Store(Store):
    recoverer_type = _Recoverer


EXHIBIT = Exhibit(
    __name__,
    title="what recovery found is served before it is synced",
    promise="served-is-durable",
    source="the recovery paths that Rebello et al. (ATC 2020) tested last",
    seam="Recoverer.cut_tail",
    trial=PowerCuts(stages.journal, engine_of(store_type=_Store), seed=1, samples=200),
)
