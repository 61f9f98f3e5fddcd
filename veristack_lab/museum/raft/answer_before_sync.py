"""A vote, or an acknowledgement, is sent while the write that it promises is still in the cache.

After a power cut the node has forgotten its vote and votes again in the same term, or lacks an
entry that its leader counted as stored. The healthy core holds every such message back until the
shell has confirmed the write, also the answer to an empty or repeated append.
"""

from __future__ import annotations

from veristack_lab.museum.exhibit import Exhibit
from veristack_lab.museum.raft.trials import Clusters
from veristack_lab.veristore.raft.core import Raft


class _Raft(Raft):
    def holds_back(self) -> int:
        return 0


EXHIBIT = Exhibit(
    __name__,
    title="An answer leaves before its write is on the disk",
    promise="commit-durable",
    source="PySyncObj 84; ancestor, V8",
    seam="State.holds_back",
    trial=Clusters(_Raft, seed=0),
)
