"""Raft as guarded actions: what a node may do, judged from a trace alone.

The specification shares no code with the core, only the values that go in and out. It keeps its
own idea of every node: what the node has in memory, what is durable, who voted for it. Each effect
in a trace is an action with a guard, and the first action whose guard is false is reported. So the
core and this file would have to make the same mistake for it to go unnoticed.

It does not judge time: whether a timer ran long enough, or whether a lease was short enough.

Sources: Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm", 2014 (figure
2, section 5); Ongaro, "Consensus: Bridging Theory and Practice", 2014 (3.10, 4, 6.4 and 10.2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from veristack_lab.sim.cluster.spec_state import Log, NodeState
from veristack_lab.sim.cluster.trace import Began, Crashed, Happened, Stepped
from veristack_lab.veristore.raft import effects as do
from veristack_lab.veristore.raft import messages as say
from veristack_lab.veristore.raft.configuration import Configuration
from veristack_lab.veristore.raft.entries import Entry, Kind, SnapshotMeta
from veristack_lab.veristore.raft.events import Persisted, ReadAsked, Received, SnapshotTaken


class Rejected(NamedTuple):
    """The first thing in a trace that the specification forbids."""

    position: int
    """Its position in the trace."""
    at_s: float
    node: int
    why: str
    """As a sentence."""


class _Forbidden(Exception):
    """The guard of an action is false. Caught by `check`; the text becomes `Rejected.why`."""


class Spec:
    """Takes a trace, one happening after the other, and raises at the first forbidden one."""

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
        self._guards: dict[type, Callable[[NodeState, Any], None]] = {
            do.Persist: self._persist,
            do.InstallSnapshot: self._install,
            do.Send: self._send,
            do.Apply: self._apply,
            do.RoleChanged: self._role,
            do.ReadReady: self._read,
            do.LoadSnapshot: self._load,
            do.RepairDone: self._repaired,
        }

    def judge(self, happened: Happened) -> str:
        """Why one happening is forbidden, as a sentence; empty if it is allowed."""
        try:
            self.take(happened)
        except _Forbidden as why:
            return str(why)
        return ""

    def take(self, happened: Happened) -> None:
        """Judge one happening."""
        if isinstance(happened, Began):
            self._begin(happened)
        elif isinstance(happened, Crashed):
            self.nodes[happened.node].leads = False
        else:
            self._step(happened)

    def _step(self, step: Stepped) -> None:
        node, self._event = self.nodes[step.node], step.event
        self._known = node.entitled
        self._hear(node, step.event)
        # A leader sends entries before its own disk has them, so writes are judged before messages.
        for effect in sorted(step.effects, key=lambda each: _ORDER.get(type(each), 2)):
            _guard(not node.halted, "it did something after it had halted")
            node.halted = isinstance(effect, do.Halt)
            guard = self._guards.get(type(effect))
            if guard:
                guard(node, effect)

    # ------------------------------------------------------------- what a node is told

    def _begin(self, began: Began) -> None:
        name, found = began.node, began.restored
        old, new = self.nodes.get(name), NodeState(name, began.configuration, found)
        self.nodes[name], new.must_hold = new, len(self.committed) - 1
        indexes = [entry.index for entry in new.log.entries]
        due = list(range(new.log.base + 1, new.log.last + 1))
        _guard(indexes == due, "its disk gave back a log with a gap")
        if old is None or found.must_not_vote:
            return
        _guard(
            (found.term, found.vote) in old.may_be_found(),
            f"it started with term {found.term} and vote {found.vote}, and on its disk was term "
            f"{old.durable_term}, vote {old.durable_vote}",
        )
        for entry in old.kept_for_sure():
            there = new.log.holds(entry.index, entry.term)
            _guard(there, f"entry {entry.index} of term {entry.term} was durable and is gone")

    def _hear(self, node: NodeState, event: Any) -> None:
        if isinstance(event, Persisted):
            node.settle(event.token)
        elif isinstance(event, ReadAsked):
            self.reads[node.name, event.request_id] = len(self.committed) - 1
        elif isinstance(event, SnapshotTaken):
            _guard(event.meta.index <= node.applied, "it took a snapshot of what it has not applied")
            self.snapshots.add(event.meta)
        elif isinstance(event, Received):
            self._receive(node, event.sender, event.message)

    def _receive(self, node: NodeState, sender: int, message: say.Message) -> None:
        if not isinstance(message, say.SnapshotChunk):  # the shell makes those
            sent = (sender, node.name, message) in self.sent
            _guard(sent, f"{message} was never sent to it")
        if isinstance(message, say.VoteReply) and message.granted and message.term == node.term:
            node.granted.add(sender)
        if isinstance(message, say.Append) and message.term >= node.term:
            proven = message.previous_index + len(message.entries)
            if node.log.holds(message.previous_index, message.previous_term):
                node.entitled = max(node.entitled, min(message.commit, proven))

    # ------------------------------------------------------------- what a node does

    def _persist(self, node: NodeState, write: do.Persist) -> None:
        if write.term != node.term or write.vote != node.vote:
            self._new_term_or_vote(node, write)
        if write.drop_from:
            self._drop(node, write.drop_from)
        for number, entry in enumerate(write.entries):
            due = (write.drop_from or node.log.last + 1) + number
            _guard(entry.index == due, f"it wrote entry {entry.index} where {due} was due")
            self._new_entry(node, entry)
        node.log.write(write)
        node.writes.append(write)
        if node.leads:
            self.ledgers[node.term].entries += write.entries

    def _new_term_or_vote(self, node: NodeState, write: do.Persist) -> None:
        _guard(write.term >= node.term, f"its term went back from {node.term} to {write.term}")
        if write.term > node.term:
            self._leads_no_more(node)
            node.granted = set()
            heard = getattr(getattr(self._event, "message", None), "term", 0)
            _guard(
                heard >= write.term or (write.vote == node.name and write.term == node.term + 1),
                f"it went to term {write.term}, which no message named and it did not campaign for",
            )
        else:
            _guard(node.vote in (0, write.vote), f"it voted twice in term {node.term}")
        if write.vote == node.name:
            _guard(not node.repairing, "it voted for itself before its peers had repaired it")
        elif write.vote and (write.vote != node.vote or write.term != node.term):
            self._vote(node, write)
        node.term, node.vote = write.term, write.vote

    def _vote(self, node: NodeState, write: do.Persist) -> None:
        ask: say.VoteAsk = self._told(say.VoteAsk, f"it voted for node {write.vote} unasked")
        _guard(self._event.sender == write.vote, "it voted for a node that had not asked")
        mine = (node.log.term(node.log.last) or 0, node.log.last)
        _guard(
            (ask.last_term, ask.last_index) >= mine,
            f"it voted for node {write.vote}, whose log is older than its own (section 5.4.1)",
        )
        _guard(not node.repairing, "it voted before its peers had repaired it")

    def _drop(self, node: NodeState, index: int) -> None:
        append: say.Append = self._told(say.Append, f"it dropped entry {index} unasked")
        there = append.entries[index - append.previous_index - 1 :]
        conflict = bool(there) and there[0].index == index
        _guard(
            conflict and node.log.term(index) != there[0].term,
            f"it dropped entry {index}, which does not conflict with what the leader sent",
        )
        _guard(index > self._known, f"it dropped entry {index}, which was committed")

    def _new_entry(self, node: NodeState, entry: Entry) -> None:
        if node.leads:
            _guard(entry.term == node.term, "a leader appended an entry of another term")
            if entry.kind is Kind.CONFIGURATION:
                self._change(node, Configuration.decode(entry.data))
            return
        append: say.Append = self._told(say.Append, f"it wrote entry {entry.index} unasked")
        sent = entry in append.entries
        _guard(sent, f"it wrote entry {entry.index}, which no leader had sent it")
        _guard(
            node.log.holds(append.previous_index, append.previous_term),
            "it took entries although the one before them does not match (section 5.3)",
        )

    def _told(self, kind: type, why: str) -> Any:
        message = self._event.message if isinstance(self._event, Received) else None
        _guard(isinstance(message, kind), why)
        return message

    def _change(self, node: NodeState, to: Configuration) -> None:
        now = node.configuration()
        _guard(
            len(set(now.voters) ^ set(to.voters)) <= 1, "it changed two voters at once (thesis 4.1)"
        )
        back = set(to.members) & set(now.removed)
        _guard(not back, f"it took removed nodes back under their old ids: {sorted(back)}")
        open_changes = [e for e in node.log.after(node.entitled) if e.kind is Kind.CONFIGURATION]
        _guard(not open_changes, "it changed the configuration before the last change committed")
        _guard(
            node.log.term(node.entitled) == node.term,
            "it changed the configuration before it had committed an entry of its own term",
        )

    def _install(self, node: NodeState, write: do.InstallSnapshot) -> None:
        meta = write.meta
        _guard(meta in self.snapshots, "it installed a snapshot that no node had taken")
        _guard(meta.index > node.applied, f"it went back to a snapshot at index {meta.index}")
        kept = node.log.term(meta.index) == meta.term
        _guard(write.keep_log <= kept, "it kept a log that the snapshot does not continue")
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
        _guard(change.term == node.term, f"it leads term {change.term} and is in {node.term}")
        who = node.configuration()
        votes = (node.granted | {node.name}) & set(who.voters)
        _guard(len(votes) >= who.quorum, f"it leads with {len(votes)} votes of {len(who.voters)}")
        _guard(
            (node.durable_term, node.durable_vote) == (node.term, node.name),
            "it leads although its vote for itself is not durable",
        )
        other = self.leaders.setdefault(node.term, node.name)
        _guard(other == node.name, f"term {node.term} has two leaders, {other} and {node.name}")
        node.leads, self.ledgers[node.term] = True, node.log.copy()

    def _apply(self, node: NodeState, apply: do.Apply) -> None:
        last = apply.entries[-1].index
        if node.leads:
            self._commit(node, last)
        _guard(last <= node.entitled, f"it applied entry {last} and knew of {node.entitled} only")
        for entry in apply.entries:
            _guard(entry.index == node.applied + 1, f"it applied {entry.index} out of order")
            _guard(node.durable.at(entry.index) == entry, f"{entry} is not in its durable log")
            self._record(entry)
            node.applied = entry.index

    def _record(self, entry: Entry) -> None:
        while len(self.committed) <= entry.index:
            self.committed.append(None)
        before = self.committed[entry.index] or entry
        _guard(before == entry, f"two entries were committed at index {entry.index}")
        self.committed[entry.index] = entry

    def _commit(self, node: NodeState, index: int) -> None:
        """The guard of a leader's commit index (sections 5.3 and 5.4.2)."""
        if index <= node.entitled:
            return
        own = range(index, node.log.last + 1)
        index = next((each for each in own if self._may_commit(node, each)), index)
        entry = node.log.at(index)
        _guard(entry is not None, f"it committed index {index}, which its log does not have")
        assert entry is not None
        _guard(
            entry.term == node.term,
            f"it committed entry {index} of term {entry.term} in term {node.term} (figure 8)",
        )
        _guard(
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
        _guard(asked is not None, f"it answered read {ready.request_id}, which was not asked")
        _guard(
            ready.index >= (asked or 0) and node.applied >= ready.index,
            f"it serves a read at index {min(ready.index, node.applied)} that was asked when "
            f"{asked} was committed already (thesis 6.4)",
        )

    def _repaired(self, node: NodeState, _effect: do.RepairDone) -> None:
        _guard(
            node.durable.last >= node.must_hold,
            f"it takes its vote back with {node.durable.last} of {node.must_hold} entries",
        )
        node.repairing = False

    # ------------------------------------------------------------- what a node says

    def _send(self, node: NodeState, send: do.Send) -> None:
        message: Any = send.message
        if isinstance(message, say.Append):
            self._append(node, message)
        elif isinstance(message, say.VoteReply | say.VoteAsk):
            self._speak_of_votes(node, send.to, message)
        elif isinstance(message, say.AppendReply):
            self._acknowledge(node, send.to, message)
        elif isinstance(message, say.TimeoutNow):
            target = self.nodes[send.to].durable
            _guard(node.leads, "it hands over a lead that it does not have")
            _guard(target.last >= node.log.last, f"it hands over to node {send.to}, which lags")
        self.sent.add((node.name, send.to, message))

    def _append(self, node: NodeState, append: say.Append) -> None:
        _guard(node.leads and append.term == node.term, "it appends and does not lead")
        self._commit(node, append.commit)
        for entry in append.entries:
            _guard(node.log.at(entry.index) == entry, f"it sends {entry}, which it does not hold")

    def _speak_of_votes(self, node: NodeState, to: int, message: Any) -> None:
        wanted = node.name if isinstance(message, say.VoteAsk) else to
        if isinstance(message, say.VoteReply) and not message.granted:
            return
        _guard(
            (node.durable_term, node.durable_vote) == (message.term, wanted),
            f"it says that it votes for node {wanted} in term {message.term}, and on its disk is "
            f"term {node.durable_term}, vote {node.durable_vote}",
        )

    def _acknowledge(self, node: NodeState, to: int, reply: say.AppendReply) -> None:
        ledger = self.ledgers.get(reply.term)
        _guard(
            ledger is not None and self.leaders[reply.term] == to,
            f"it acknowledges to node {to}, which does not lead term {reply.term}",
        )
        _guard(node.durable_term >= reply.term, "it acknowledges in a term that is not durable")
        _guard(
            node.durable.last >= reply.matched
            and node.durable.holds(reply.matched, (ledger and ledger.term(reply.matched)) or 0),
            f"it acknowledges entry {reply.matched}, which is not in its durable log",
        )


_ORDER: dict[type, int] = {do.RoleChanged: 0, do.Persist: 1, do.InstallSnapshot: 1}


def _guard(holds: bool, why: str) -> None:
    if not holds:
        raise _Forbidden(why)


def check(trace: Iterable[Happened]) -> Rejected | None:
    """The first thing in a trace that the specification forbids; None if it allows all of it."""
    spec = Spec()
    for position, happened in enumerate(trace):
        why = spec.judge(happened)
        if why:
            return Rejected(position, happened.at_s, happened.node, why)
    return None
