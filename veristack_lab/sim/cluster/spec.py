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

from veristack_lab.sim.cluster.spec_actions import Actions
from veristack_lab.sim.cluster.spec_state import Forbidden, NodeState, guard
from veristack_lab.sim.cluster.trace import Began, Happened, Stepped
from veristack_lab.veristore.raft import effects as do
from veristack_lab.veristore.raft import messages as say
from veristack_lab.veristore.raft.events import Persisted, ReadAsked, Received, SnapshotTaken


class Rejected(NamedTuple):
    """The first thing in a trace that the specification forbids."""

    position: int
    """Its position in the trace."""
    at_s: float
    node: int
    why: str
    """As a sentence."""


class Spec(Actions):
    """Takes a trace, one happening after the other, and raises at the first forbidden one."""

    def __init__(self) -> None:
        super().__init__()
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
        except Forbidden as why:
            return str(why)
        return ""

    def take(self, happened: Happened) -> None:
        """Judge one happening."""
        if isinstance(happened, Began):
            self._begin(happened)
        else:
            self._step(happened)

    def _step(self, step: Stepped) -> None:
        node, self._event = self.nodes[step.node], step.event
        self._known = node.entitled
        self._hear(node, step.event)
        # A leader sends entries before its own disk has them, so writes are judged before messages.
        for effect in sorted(step.effects, key=lambda each: _ORDER.get(type(each), 2)):
            guard(not node.halted, "it did something after it had halted")
            node.halted = isinstance(effect, do.Halt)
            judge = self._guards.get(type(effect))
            if judge:
                judge(node, effect)

    # ------------------------------------------------------------- what a node is told

    def _begin(self, began: Began) -> None:
        name, found = began.node, began.restored
        old, new = self.nodes.get(name), NodeState(name, began.configuration, found)
        self.nodes[name], new.must_hold = new, len(self.committed) - 1
        indexes = [entry.index for entry in new.log.entries]
        due = list(range(new.log.base + 1, new.log.last + 1))
        guard(indexes == due, "its disk gave back a log with a gap")
        if old is None or found.must_not_vote:
            return
        guard(
            (found.term, found.vote) in old.may_be_found(),
            f"it started with term {found.term} and vote {found.vote}, and on its disk was term "
            f"{old.durable_term}, vote {old.durable_vote}",
        )
        for entry in old.kept_for_sure():
            there = new.log.holds(entry.index, entry.term)
            guard(there, f"entry {entry.index} of term {entry.term} was durable and is gone")

    def _hear(self, node: NodeState, event: Any) -> None:
        if isinstance(event, Persisted):
            node.settle(event.token)
        elif isinstance(event, ReadAsked):
            self.reads[node.name, event.request_id] = len(self.committed) - 1
        elif isinstance(event, SnapshotTaken):
            guard(event.meta.index <= node.applied, "it took a snapshot of what it has not applied")
            self.snapshots.add(event.meta)
        elif isinstance(event, Received):
            self._receive(node, event.sender, event.message)

    def _receive(self, node: NodeState, sender: int, message: say.Message) -> None:
        if not isinstance(message, say.SnapshotChunk):  # the shell makes those
            sent = (sender, node.name, message) in self.sent
            guard(sent, f"{message} was never sent to it")
        if isinstance(message, say.VoteReply) and message.granted and message.term == node.term:
            node.granted.add(sender)
        if isinstance(message, say.Append) and message.term >= node.term:
            proven = message.previous_index + len(message.entries)
            if node.log.holds(message.previous_index, message.previous_term):
                node.entitled = max(node.entitled, min(message.commit, proven))

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
            guard(node.leads, "it hands over a lead that it does not have")
            guard(target.last >= node.log.last, f"it hands over to node {send.to}, which lags")
        self.sent.add((node.name, send.to, message))

    def _append(self, node: NodeState, append: say.Append) -> None:
        guard(node.leads and append.term == node.term, "it appends and does not lead")
        self._commit(node, append.commit)
        for entry in append.entries:
            guard(node.log.at(entry.index) == entry, f"it sends {entry}, which it does not hold")

    def _speak_of_votes(self, node: NodeState, to: int, message: Any) -> None:
        wanted = node.name if isinstance(message, say.VoteAsk) else to
        if isinstance(message, say.VoteReply) and not message.granted:
            return
        guard(
            (node.durable_term, node.durable_vote) == (message.term, wanted),
            f"it says that it votes for node {wanted} in term {message.term}, and on its disk is "
            f"term {node.durable_term}, vote {node.durable_vote}",
        )

    def _acknowledge(self, node: NodeState, to: int, reply: say.AppendReply) -> None:
        ledger = self.ledgers.get(reply.term)
        guard(
            ledger is not None and self.leaders[reply.term] == to,
            f"it acknowledges to node {to}, which does not lead term {reply.term}",
        )
        guard(node.durable_term >= reply.term, "it acknowledges in a term that is not durable")
        guard(
            node.durable.last >= reply.matched
            and node.durable.holds(reply.matched, (ledger and ledger.term(reply.matched)) or 0),
            f"it acknowledges entry {reply.matched}, which is not in its durable log",
        )


_ORDER: dict[type, int] = {do.RoleChanged: 0, do.Persist: 1, do.InstallSnapshot: 1}


def check(trace: Iterable[Happened]) -> Rejected | None:
    """The first thing in a trace that the specification forbids; None if it allows all of it."""
    spec = Spec()
    for position, happened in enumerate(trace):
        why = spec.judge(happened)
        if why:
            return Rejected(position, happened.at_s, happened.node, why)
    return None
