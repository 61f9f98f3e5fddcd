"""A torn tail is left standing, and new records are appended after it.

A power cut tears the last record. The ancestor reads up to the tear, serves, and appends after the
garbage. Everything it acknowledges from then on follows bytes that no reader gets past: at the next
start it is lost, although it was synced. The healthy engine cuts the tail off, and syncs the cut,
before it appends.
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
        found.end_offset += found.torn_bytes  # where the log will go on
        last.file.fdatasync()


class _Store(Store):
    recoverer_type = _Recoverer


EXHIBIT = Exhibit(
    __name__,
    title="new records are appended behind a torn one",
    promise="goes-on",
    source="ancestor, V1",
    seam="Recoverer.cut_tail",
    trial=PowerCuts(stages.journal, engine_of(store_type=_Store), seed=1, samples=60),
)
