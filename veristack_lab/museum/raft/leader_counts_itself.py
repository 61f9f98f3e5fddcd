"""The leader appends in memory, and counts itself towards the majority at once.

With one follower it commits an entry that is on one disk only, and the power cut of that follower
loses it; a cluster of one node loses it by its own power cut. The healthy core sends entries
before its own sync, as it may (thesis, section 10.2.1), and counts itself only after.
"""

from __future__ import annotations

from veristack_lab.museum.exhibit import Exhibit
from veristack_lab.museum.raft.trials import Clusters
from veristack_lab.veristore.raft.core import Raft


class _Raft(Raft):
    def own_progress_counts(self) -> int:
        return self.log.last_index


EXHIBIT = Exhibit(
    __name__,
    title="A leader counts entries that its own disk does not hold yet",
    promise="commit-durable",
    source="etcd 14370",
    seam="Replication.own_progress_counts",
    trial=Clusters(_Raft, seed=1),
)
