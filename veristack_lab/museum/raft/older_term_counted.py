"""A new leader finds an entry of an earlier term on a majority, and calls it committed.

A node that lacks the entry may still win an election, because its last entry has a later term,
and overwrites what clients were told. The healthy core counts only entries of its own term; those
before them are committed with them, which is what a new leader's empty entry is for.
"""

from __future__ import annotations

from veristack_lab.museum.exhibit import Exhibit
from veristack_lab.museum.raft.trials import Clusters
from veristack_lab.veristore.raft.core import Raft


class _Raft(Raft):
    def may_commit(self, index: int) -> bool:  # noqa: ARG002
        return True


EXHIBIT = Exhibit(
    __name__,
    title="An entry of an earlier term is committed by counting",
    promise="specification",
    source="the paper's figure 8",
    seam="Replication.may_commit",
    trial=Clusters(_Raft, seed=1),
)
