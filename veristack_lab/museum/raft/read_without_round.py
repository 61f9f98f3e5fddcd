"""A leader answers a read from its own state, sure that it is still the leader.

After a pause, or behind a cut, another leader has committed writes: the client reads the past.
The healthy core serves a read only when a majority has answered a round of heartbeats that began
after the question (thesis, section 6.4).
"""

from __future__ import annotations

from veristack_lab.museum.exhibit import Exhibit
from veristack_lab.museum.raft.trials import Clusters
from veristack_lab.veristore.raft.core import Raft


class _Raft(Raft):
    def round_for_read(self) -> int:
        return 0


EXHIBIT = Exhibit(
    __name__,
    title="A leader serves a read without asking whether it still leads",
    promise="specification",
    source="ancestor, V10; etcd 20418",
    seam="Reads.round_for_read",
    trial=Clusters(_Raft, seed=21),
)
