"""An append is taken if the log reaches its previous entry, whatever that entry is.

Two logs then agree at an index and not before it, and the nodes' states part for ever. The
healthy core compares the term of the previous entry, by which two equal entries prove that all
before them are equal (paper, section 5.3).
"""

from __future__ import annotations

from veristack_lab.museum.exhibit import Exhibit
from veristack_lab.museum.raft.trials import Clusters
from veristack_lab.veristore.raft.core import Raft
from veristack_lab.veristore.raft.messages import Append


class _Raft(Raft):
    def previous_matches(self, previous: int, message: Append) -> bool:  # noqa: ARG002
        return previous <= self.log.last_index


EXHIBIT = Exhibit(
    __name__,
    title="Entries are appended without a look at the one before",
    promise="log-matching",
    source="the rule of the paper's section 5.3",
    seam="Following.previous_matches",
    trial=Clusters(_Raft, seed=1),
)
