"""Damage in the middle of the log is taken for its end.

One bit rots in a record that was synced long ago. The ancestor stops reading there, reports
nothing, and cuts off everything after it: thousands of acknowledged writes, silently lost. The
healthy engine looks past a bad record. If a later commit group follows, the bad record had been
durable: that is damage. It is reported with segment, offset and the lost LSNs, and the damaged file
is kept.
"""

from __future__ import annotations

from veristack_lab.kernels import records
from veristack_lab.museum.exhibit import Exhibit
from veristack_lab.museum.store import stages
from veristack_lab.museum.store.trials import Rot
from veristack_lab.sim.store.engine import engine_of
from veristack_lab.veristore.kv import Store
from veristack_lab.veristore.recovery.findings import Findings, Segment
from veristack_lab.veristore.recovery.recoverer import Recoverer


class _Recoverer(Recoverer):
    def judge_stop(
        self, segment: Segment, found: Findings, stop: records.Stop, is_last: bool
    ) -> str:
        del segment, found, stop, is_last  # what comes behind is not looked at
        return ""


class _Store(Store):
    recoverer_type = _Recoverer


EXHIBIT = Exhibit(
    __name__,
    title="damage in the middle is taken for the end of the log",
    promise="damage-told",
    source="ancestor, V7; any reader that stops at the first bad record",
    seam="Recoverer.judge_stop",
    trial=Rot(stages.journal, engine_of(store_type=_Store), seed=1, samples=60),
)
