"""The vote is looked at and not remembered, as if each question were the first of the term.

Two candidates of one term then both find a majority: two leaders, and two logs. The healthy core
keeps term and vote together, in one record, and says yes a second time only to the same node.
"""

from __future__ import annotations

from veristack_lab.museum.exhibit import Exhibit
from veristack_lab.museum.raft.trials import Clusters
from veristack_lab.veristore.raft.core import Raft
from veristack_lab.veristore.raft.messages import VoteAsk


class _Raft(Raft):
    def grant_vote(self, sender: int, message: VoteAsk) -> bool:
        self.vote = 0
        return super().grant_vote(sender, message)


EXHIBIT = Exhibit(
    __name__,
    title="A node forgets within a term whom it voted for",
    promise="election-safety",
    source="ancestor, V8 (after a restart); PySyncObj 202",
    seam="Election.grant_vote",
    trial=Clusters(_Raft, seed=11),
)
