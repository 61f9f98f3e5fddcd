"""What a node may write, lead, commit, apply and serve: the guards of those actions.

See `spec`, which adds what a node may say and be told.
"""

from __future__ import annotations

from typing import Any

from veristack_lab.sim.cluster.spec_state import Log, NodeState, guard
from veristack_lab.veristore.raft import effects as do
from veristack_lab.veristore.raft import messages as say
from veristack_lab.veristore.raft.configuration import Configuration
from veristack_lab.veristore.raft.entries import Entry, Kind, SnapshotMeta
from veristack_lab.veristore.raft.events import Received


class Actions:
    """The specification's idea of a cluster, and the guards of what its nodes do."""

    def __init__(self) -> None:
        self.nodes: dict[int, NodeState] = {}
        self.sent: set[tuple[int, int, say.Message]] = set()
        self.leaders: dict[int, int] = {}
        self.ledgers: dict[int, Log] = {}
        """The log of each term's leader, as far as it ever was."""
        self.committed: list[Entry | None] = [None]
        """By index; None where only a snapshot is known to cover it."""
        self.snapshots: set[SnapshotMeta] = set()
        self.reads: dict[tuple[int, int], int] = {}
        self._event: Any = None
        self._known = 0

    def _persist(self, node: NodeState, write: do.Persist) -> None:
        if write.term != node.term or write.vote != node.vote:
            self._new_term_or_vote(node, write)
        if write.drop_from:
            self._drop(node, write.drop_from)
        for number, entry in enumerate(write.entries):
            due = (write.drop_from or node.log.last + 1) + number
            guard(entry.index == due, f"it wrote entry {entry.index} where {due} was due")
            self._new_entry(node, entry)
        node.log.write(write)
        node.writes.append(write)
        if node.leads:
            self.ledgers[node.term].entries += write.entries

    def _new_term_or_vote(self, node: NodeState, write: do.Persist) -> None:
        guard(write.term >= node.term, f"its term went back from {node.term} to {write.term}")
        if write.term > node.term:
            self._leads_no_more(node)
            node.granted = set()
            heard = getattr(getattr(self._event, "message", None), "term", 0)
            guard(
                heard >= write.term or (write.vote == node.name and write.term == node.term + 1),
                f"it went to term {write.term}, which no message named and it did not campaign for",
            )
        else:
            guard(node.vote in (0, write.vote), f"it voted twice in term {node.term}")
        if write.vote == node.name:
            guard(not node.repairing, "it voted for itself before its peers had repaired it")
        elif write.vote and (write.vote != node.vote or write.term != node.term):
            self._vote(node, write)
        node.term, node.vote = write.term, write.vote

    def _vote(self, node: NodeState, write: do.Persist) -> None:
        ask: say.VoteAsk = self._told(say.VoteAsk, f"it voted for node {write.vote} unasked")
        guard(self._event.sender == write.vote, "it voted for a node that had not asked")
        mine = (node.log.term(node.log.last) or 0, node.log.last)
        guard(
            (ask.last_term, ask.last_index) >= mine,
            f"it voted for node {write.vote}, whose log is older than its own (section 5.4.1)",
        )
        guard(not node.repairing, "it voted before its peers had repaired it")

    def _drop(self, node: NodeState, index: int) -> None:
        append: say.Append = self._told(say.Append, f"it dropped entry {index} unasked")
        there = append.entries[index - append.previous_index - 1 :]
        conflict = bool(there) and there[0].index == index
        guard(
            conflict and node.log.term(index) != there[0].term,
            f"it dropped entry {index}, which does not conflict with what the leader sent",
        )
        guard(index > self._known, f"it dropped entry {index}, which was committed")

    def _new_entry(self, node: NodeState, entry: Entry) -> None:
        if node.leads:
            guard(entry.term == node.term, "a leader appended an entry of another term")
            if entry.kind is Kind.CONFIGURATION:
                self._change(node, Configuration.decode(entry.data))
            return
        append: say.Append = self._told(say.Append, f"it wrote entry {entry.index} unasked")
        sent = entry in append.entries
        guard(sent, f"it wrote entry {entry.index}, which no leader had sent it")
        guard(
            node.log.holds(append.previous_index, append.previous_term),
            "it took entries although the one before them does not match (section 5.3)",
        )

    def _told(self, kind: type, why: str) -> Any:
        message = self._event.message if isinstance(self._event, Received) else None
        guard(isinstance(message, kind), why)
        return message

    def _change(self, node: NodeState, to: Configuration) -> None:
        now = node.configuration()
        guard(
            len(set(now.voters) ^ set(to.voters)) <= 1, "it changed two voters at once (thesis 4.1)"
        )
        back = set(to.members) & set(now.removed)
        guard(not back, f"it took removed nodes back under their old ids: {sorted(back)}")
        open_changes = [e for e in node.log.after(node.entitled) if e.kind is Kind.CONFIGURATION]
        guard(not open_changes, "it changed the configuration before the last change committed")
        guard(
            node.log.term(node.entitled) == node.term,
            "it changed the configuration before it had committed an entry of its own term",
        )

    def _install(self, node: NodeState, write: do.InstallSnapshot) -> None:
        meta = write.meta
        guard(meta in self.snapshots, "it installed a snapshot that no node had taken")
        guard(meta.index > node.applied, f"it went back to a snapshot at index {meta.index}")
        kept = node.log.term(meta.index) == meta.term
        guard(write.keep_log <= kept, "it kept a log that the snapshot does not continue")
        node.log.write(write)
        node.writes.append(write)
        node.began, node.entitled = meta.configuration, max(node.entitled, meta.index)

    def _load(self, node: NodeState, load: do.LoadSnapshot) -> None:
        node.applied = load.meta.index

    def _role(self, node: NodeState, change: do.RoleChanged) -> None:
        if change.role is not do.Role.LEADER:
            self._leads_no_more(node)
            return
        if node.leads:
            return
        guard(change.term == node.term, f"it leads term {change.term} and is in {node.term}")
        who = node.configuration()
        votes = (node.granted | {node.name}) & set(who.voters)
        guard(len(votes) >= who.quorum, f"it leads with {len(votes)} votes of {len(who.voters)}")
        guard(
            (node.durable_term, node.durable_vote) == (node.term, node.name),
            "it leads although its vote for itself is not durable",
        )
        other = self.leaders.setdefault(node.term, node.name)
        guard(other == node.name, f"term {node.term} has two leaders, {other} and {node.name}")
        node.leads, self.ledgers[node.term] = True, node.log.copy()

    def _apply(self, node: NodeState, apply: do.Apply) -> None:
        last = apply.entries[-1].index
        if node.leads:
            self._commit(node, last)
        guard(last <= node.entitled, f"it applied entry {last} and knew of {node.entitled} only")
        for entry in apply.entries:
            guard(entry.index == node.applied + 1, f"it applied {entry.index} out of order")
            guard(node.durable.at(entry.index) == entry, f"{entry} is not in its durable log")
            self._record(entry)
            node.applied = entry.index

    def _record(self, entry: Entry) -> None:
        while len(self.committed) <= entry.index:
            self.committed.append(None)
        before = self.committed[entry.index] or entry
        guard(before == entry, f"two entries were committed at index {entry.index}")
        self.committed[entry.index] = entry

    def _commit(self, node: NodeState, index: int) -> None:
        """The guard of a leader's commit index (sections 5.3 and 5.4.2)."""
        if index <= node.entitled:
            return
        own = range(index, node.log.last + 1)
        index = next((each for each in own if self._may_commit(node, each)), index)
        entry = node.log.at(index)
        guard(entry is not None, f"it committed index {index}, which its log does not have")
        assert entry is not None
        guard(
            entry.term == node.term,
            f"it committed entry {index} of term {entry.term} in term {node.term} (figure 8)",
        )
        guard(
            self._held_by_quorum(node, index),
            f"it committed entry {index}, which no majority of the voters holds durably",
        )
        node.entitled = index
        for each in node.log.entries[: index - node.log.base]:
            self._record(each)

    def _leads_no_more(self, node: NodeState) -> None:
        """A leader takes along what it may have committed without a word: what a quorum holds."""
        for index in range(node.log.last, node.entitled if node.leads else node.log.last, -1):
            if self._may_commit(node, index):
                self._commit(node, index)
                break
        node.leads = False

    def _may_commit(self, node: NodeState, index: int) -> bool:
        """Counting commits entries of the own term, and with them all before (section 5.4.2)."""
        return node.log.term(index) == node.term and self._held_by_quorum(node, index)

    def _held_by_quorum(self, node: NodeState, index: int) -> bool:
        who, term = node.configuration(), node.log.term(index) or 0
        held = sum(
            self.nodes[voter].durable.holds(index, term)
            for voter in who.voters
            if voter in self.nodes and not self.nodes[voter].repairing
        )
        return held >= who.quorum

    def _read(self, node: NodeState, ready: do.ReadReady) -> None:
        asked = self.reads.pop((node.name, ready.request_id), None)
        guard(asked is not None, f"it answered read {ready.request_id}, which was not asked")
        guard(
            ready.index >= (asked or 0) and node.applied >= ready.index,
            f"it serves a read at index {min(ready.index, node.applied)} that was asked when "
            f"{asked} was committed already (thesis 6.4)",
        )

    def _repaired(self, node: NodeState, _effect: do.RepairDone) -> None:
        guard(
            node.durable.last >= node.must_hold,
            f"it takes its vote back with {node.durable.last} of {node.must_hold} entries",
        )
        node.repairing = False
