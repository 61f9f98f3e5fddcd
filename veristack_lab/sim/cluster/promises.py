"""Raft's promises, asked after every step of every node.

Each check costs no more than what has changed. Whether a commit is durable is looked up in the
bytes that no power cut could take from the disks: the core is not asked.

Names and definitions: Ongaro and Ousterhout 2014, figure 3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from veristack_lab.sim.cluster.disks import Device
from veristack_lab.veristore.raft.configuration import Configuration
from veristack_lab.veristore.raft.effects import Apply, Effect, Persist, Role, RoleChanged
from veristack_lab.veristore.raft.entries import Entry
from veristack_lab.veristore.raft.events import Restored

PROMISES: Mapping[str, str] = {
    "election-safety": "at most one node leads a term",
    "log-matching": "entries of the same index and term are equal, and so is all before them",
    "leader-completeness": "a leader's log holds every committed entry",
    "state-machine-safety": "no two nodes apply different entries at an index",
    "commit-durable": "a committed entry is on the disks of a quorum",
    "monotonic": "term, commit index and applied index never go back in a node's life",
    "specification": "every action is one that the specification allows",
    "linearizable": "clients see one copy of the data",
    "exactly-once": "a command takes effect once, however often it is sent",
    "serves": "a connected majority serves clients",
    "converges": "after all faults every node has the same state",
    "deterministic": "two runs of one seed are the same",
}
"""By their stable names; in the order in which a reader should look at them."""


class Violation(NamedTuple):
    """A promise was broken."""

    promise: str
    at_s: float
    node: int
    """0: no single node."""
    story: str
    """What happened, as a sentence."""


class _Marks(NamedTuple):
    """How far a node has come."""

    term: int = 0
    commit: int = 0
    applied: int = 0


class Promises:
    """Checks the promises about nodes; `violations` collects what is broken.

    Args:
        devices: the disks, by node.
        now: the time of the world.
    """

    def __init__(self, devices: Mapping[int, Device], now: Callable[[], float]) -> None:
        self._devices, self._now = devices, now
        self.violations: list[Violation] = []
        self.commit = 0
        """The highest index that was committed anywhere."""
        self._leaders: dict[int, int] = {}
        self._entries: dict[tuple[int, int], tuple[Entry, int]] = {}
        """By index and term: the entry, and the term of the one before it."""
        self._applied: dict[int, Entry] = {}
        self._marks: dict[int, _Marks] = {}

    def __repr__(self) -> str:
        return f"Promises(commit={self.commit}, {len(self.violations)} violations)"

    def began(self, node: int, restored: Restored) -> None:
        """A life of a node begins."""
        index = restored.snapshot.index if restored.snapshot else 0
        self._marks[node] = _Marks(restored.term, index, index)

    def stepped(self, node: int, core: Any, effects: list[Effect]) -> None:
        """A node took an event, with these effects."""
        for effect in effects:
            kind = type(effect)
            if kind is Persist:
                self._persisted(node, core, effect)
            elif kind is Apply:
                self._apply(node, effect)
            elif kind is RoleChanged and effect.role is Role.LEADER:  # type: ignore[union-attr]
                self._leads(node, core)
        self._monotonic(node, core)
        if core.commit > self.commit:
            self._committed(node, core)

    # ---------------------------------------------------------------- promises

    def _leads(self, node: int, core: Any) -> None:
        other = self._leaders.setdefault(core.term, node)
        if other != node:
            self._break("election-safety", node, f"leads term {core.term}, as node {other} does")
        if not self.commit:
            return
        entry = self._applied.get(self.commit)
        term = core.log.term_at(self.commit)
        covered = core.log.before_index > self.commit
        if not covered and (term is None or (entry is not None and term != entry.term)):
            self._break(
                "leader-completeness",
                node,
                f"leads term {core.term} without entry {self.commit}, which was committed",
            )

    def _persisted(self, node: int, core: Any, effect: Any) -> None:
        for entry in effect.entries:
            before = core.log.term_at(entry.index - 1)
            if before is None:
                continue
            known = self._entries.setdefault((entry.index, entry.term), (entry, before))
            if known != (entry, before):
                self._break(
                    "log-matching",
                    node,
                    f"has another entry {entry.index} of term {entry.term} than a node before it, "
                    "or another entry before that one",
                )

    def _apply(self, node: int, effect: Any) -> None:
        for entry in effect.entries:
            known = self._applied.setdefault(entry.index, entry)
            if known != entry:
                self._break(
                    "state-machine-safety",
                    node,
                    f"applies entry {entry.index} of term {entry.term}, where one of term "
                    f"{known.term} was applied",
                )

    def _monotonic(self, node: int, core: Any) -> None:
        before = self._marks.get(node, _Marks())
        now = _Marks(core.term, core.commit, core.applied)
        if now != before:
            for name, old, new in zip(now._fields, before, now, strict=True):
                if new < old:
                    self._break("monotonic", node, f"went back from {name} {old} to {new}")
            self._marks[node] = now

    def _committed(self, node: int, core: Any) -> None:
        first, self.commit = self.commit + 1, core.commit
        configuration: Configuration = core.configuration
        for index in range(max(first, core.log.before_index + 1), core.commit + 1):
            term = core.log.term_at(index)
            holders = [voter for voter in configuration.voters if self._holds(voter, index, term)]
            if len(holders) < configuration.quorum:
                self._break(
                    "commit-durable",
                    node,
                    f"committed entry {index} of term {term}, which is on the disks of "
                    f"{holders or 'no node'} and needs {configuration.quorum} of "
                    f"{len(configuration.voters)}",
                )

    def _holds(self, node: int, index: int, term: int) -> bool:
        device = self._devices.get(node)
        found = device.durable_log() if device is not None else None
        if found is None:
            return False
        snapshot = found.snapshot
        if snapshot is not None and snapshot.index >= index:
            return True
        return found.term_of(index) == term

    def _break(self, promise: str, node: int, what: str) -> None:
        self.violations.append(Violation(promise, self._now(), node, f"node {node} {what}"))
