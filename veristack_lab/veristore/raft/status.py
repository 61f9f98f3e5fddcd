"""What a node says about itself: one value, for health, tests and pictures."""

from __future__ import annotations

from typing import NamedTuple

from veristack_lab.veristore.raft.configuration import Configuration
from veristack_lab.veristore.raft.effects import Role
from veristack_lab.veristore.raft.records import LogDamage


class NodeStatus(NamedTuple):
    """A node at one moment. Indexes of the log are as in `entries`."""

    node_id: int
    role: Role
    term: int
    vote: int
    """0: none in this term."""
    leader: int
    """0: not known."""
    configuration: Configuration
    first_index: int
    """Of the log that is held; behind `last_index` if none is."""
    last_index: int
    durable_index: int
    """The last index that a power cut cannot take."""
    commit: int
    applied: int
    snapshot_index: int
    """Of the snapshot that counts; 0: there is none."""
    waiting: int
    """Requests of clients without an answer."""
    disk_jobs: int
    """Writes that wait for a sync, and other work for the disk."""
    refused_messages: int
    """From other clusters, since the start."""
    must_not_vote: bool
    damages: tuple[LogDamage, ...]
    """Not repaired yet."""
    failure: str
    """Why the node stopped; empty while it runs."""

    @property
    def health(self) -> str:
        """One sentence: what is wrong, or that nothing is."""
        if self.failure:
            return f"node {self.node_id} has stopped: {self.failure}"
        if self.must_not_vote:
            found = "; ".join(map(str, self.damages)) or "damage in what had been durable"
            return f"node {self.node_id} does not vote until its peers have repaired it: {found}"
        if not self.leader:
            return f"node {self.node_id} knows no leader"
        return f"node {self.node_id} is well; node {self.leader} leads in term {self.term}"
