"""An entry that is committed elsewhere is applied here while its own write is still in the cache.

After a power cut the state machine is behind what the node has answered from it, and a snapshot
made of it would hold what the log does not. The healthy core applies what is committed and
durable here.
"""

from __future__ import annotations

from veristack_lab.museum.exhibit import Exhibit
from veristack_lab.museum.raft.trials import Clusters
from veristack_lab.veristore.raft.core import Raft


class _Raft(Raft):
    def apply_committed(self) -> None:
        durable, self.durable = self.durable, self.log.last_index
        super().apply_committed()
        self.durable = durable


EXHIBIT = Exhibit(
    __name__,
    title="A follower applies entries that its own disk does not hold",
    promise="specification",
    source="a rule of this core: applied is at most durable",
    seam="State.apply_committed",
    trial=Clusters(_Raft, seed=0),
)
