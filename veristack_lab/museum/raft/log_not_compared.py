"""A vote is given to the first who asks in a new term, without a look at the two logs.

A node that was away wins, and what the majority had committed meanwhile is overwritten. The
healthy core compares term and index of the last entries (paper, section 5.4.1): a majority never
elects a node that lacks a committed entry.
"""

from __future__ import annotations

from veristack_lab.museum.exhibit import Exhibit
from veristack_lab.museum.raft.trials import Clusters
from veristack_lab.veristore.raft.core import Raft


class _Raft(Raft):
    def log_is_up_to_date(self, last_index: int, last_term: int) -> bool:  # noqa: ARG002
        return True


EXHIBIT = Exhibit(
    __name__,
    title="A candidate gets votes whatever its log holds",
    promise="leader-completeness",
    source="the rule of the paper's section 5.4.1",
    seam="Election.log_is_up_to_date",
    trial=Clusters(_Raft, seed=0),
)
