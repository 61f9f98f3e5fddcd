"""The leader's commit index is taken as far as the follower's log reaches.

What the follower holds behind the entries of this message may come from a deposed leader: it
applies entries that no majority ever had. The healthy core takes the commit index only up to the
last entry that this very message proved to match (paper, figure 2).
"""

from __future__ import annotations

from veristack_lab.museum.exhibit import Exhibit
from veristack_lab.museum.raft.trials import Clusters
from veristack_lab.veristore.raft.core import Raft


class _Raft(Raft):
    def commit_from_leader(self, leader_commit: int, matched: int) -> None:
        super().commit_from_leader(leader_commit, max(matched, self.log.last_index))


EXHIBIT = Exhibit(
    __name__,
    title="A follower commits what a message did not prove to match",
    promise="specification",
    source="ancestor, V12; scylladb 9965",
    seam="Following.commit_from_leader",
    trial=Clusters(_Raft, seed=0),
)
