"""Each append is written in the place of whatever the log holds behind its previous entry.

A repeated or late message takes away newer entries that were acknowledged already; if the leader
counted them and dies before it sends them again, they are gone. The healthy core drops entries
only from the first one on that conflicts (paper, figure 2).
"""

from __future__ import annotations

from collections.abc import Sequence

from veristack_lab.museum.exhibit import Exhibit
from veristack_lab.museum.raft.trials import Clusters
from veristack_lab.veristore.raft.core import Raft
from veristack_lab.veristore.raft.entries import Entry


class _Raft(Raft):
    def first_conflict(self, entries: Sequence[Entry]) -> int:
        if entries and entries[0].index <= self.log.last_index:
            self.truncate(max(entries[0].index, self.commit + 1))
        return super().first_conflict(entries)


EXHIBIT = Exhibit(
    __name__,
    title="A follower drops everything behind the previous entry",
    promise="specification",
    source="ancestor, V9; PySyncObj 0.3.17",
    seam="Following.first_conflict",
    trial=Clusters(_Raft, seed=0),
)
