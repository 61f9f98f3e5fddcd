"""The questions for votes leave while the candidate's new term and its vote are in the cache.

A power cut in between makes it forget the term: it campaigns in the same term again, or votes for
another, and the term has two leaders. The healthy core asks only after the record with term and
vote is durable, and counts its own vote no earlier.
"""

from __future__ import annotations

from veristack_lab.museum.exhibit import Exhibit
from veristack_lab.museum.raft.trials import Clusters
from veristack_lab.veristore.raft.core import Raft
from veristack_lab.veristore.raft.effects import Role


class _Raft(Raft):
    def holds_back(self) -> int:
        return 0 if self.role is Role.CANDIDATE else super().holds_back()


EXHIBIT = Exhibit(
    __name__,
    title="A candidate asks for votes before its own is on the disk",
    promise="specification",
    source="hashicorp/raft 661",
    seam="State.holds_back",
    trial=Clusters(_Raft, seed=0),
)
