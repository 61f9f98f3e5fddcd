"""A slow disk confirms a write whose entries another leader has replaced meanwhile.

The node takes the new entries for durable, although only the old ones were, and says so: the same
index, another content. The healthy core remembers for every outstanding write what it still
proves, and a drop takes that back.
"""

from __future__ import annotations

from veristack_lab.museum.exhibit import Exhibit
from veristack_lab.museum.raft.trials import Clusters
from veristack_lab.veristore.raft.core import Raft


class _Raft(Raft):
    def forget_late_proofs(self, last: int) -> None:
        pass


EXHIBIT = Exhibit(
    __name__,
    title="The confirmation of a write counts for entries since overwritten",
    promise="specification",
    source="etcd-io/raft 8",
    seam="State.forget_late_proofs",
    trial=Clusters(_Raft, seed=1),
)
