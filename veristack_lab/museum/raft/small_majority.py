"""The majority is counted as half of the nodes, rounded down.

Two halves can each elect a leader, and do so as soon as the network is cut. The healthy core
needs more than half of the voters, its own vote included, and that one only when it is durable.
"""

from __future__ import annotations

from veristack_lab.museum.exhibit import Exhibit
from veristack_lab.museum.raft.trials import Clusters
from veristack_lab.veristore.raft.core import Raft


class _Raft(Raft):
    def has_votes(self) -> bool:
        yes = [voter for voter in self.configuration.voters if self._votes.get(voter)]
        return len(yes) >= self.configuration.quorum - 1


EXHIBIT = Exhibit(
    __name__,
    title="A candidate leads with one vote too few",
    promise="election-safety",
    source="ancestor, V12 (clusters of four)",
    seam="Election.has_votes",
    trial=Clusters(_Raft, seed=0),
)
