"""The specification's own idea of a node: its log, what is durable of it, and its votes.

Nothing here is taken from the core; see `spec` for why.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import TypeAlias

from veristack_lab.veristore.raft.configuration import Configuration
from veristack_lab.veristore.raft.effects import InstallSnapshot, Persist
from veristack_lab.veristore.raft.entries import Entry, Kind
from veristack_lab.veristore.raft.events import Restored

Durable: TypeAlias = Persist | InstallSnapshot
"""What a node makes durable under a token."""


class Forbidden(Exception):
    """The guard of an action is false. `Spec.judge` catches it; the text becomes its answer."""


def guard(holds: bool, why: str) -> None:
    """What must hold for an action to be allowed. Raises `Forbidden`."""
    if not holds:
        raise Forbidden(why)


class Log:
    """Entries after a base; the base is the last entry that a snapshot covers."""

    def __init__(self, base: int = 0, base_term: int = 0, entries: Iterable[Entry] = ()) -> None:
        self.base, self.base_term, self.entries = base, base_term, list(entries)

    @property
    def last(self) -> int:
        """Index of the last entry."""
        return self.base + len(self.entries)

    def at(self, index: int) -> Entry | None:
        """The entry at an index, if it is here and no snapshot stands for it."""
        return self.entries[index - self.base - 1] if self.base < index <= self.last else None

    def term(self, index: int) -> int | None:
        """The term at an index; None where the log does not reach or a snapshot covers more."""
        if index == self.base:
            return self.base_term
        entry = self.at(index)
        return entry.term if entry else None

    def holds(self, index: int, term: int) -> bool:
        """Whether the entry is here or a snapshot, which holds committed ones only, covers it."""
        return index < self.base or self.term(index) == term

    def after(self, index: int) -> list[Entry]:
        """The entries after an index."""
        return self.entries[max(0, index - self.base) :]

    def write(self, write: Durable) -> None:
        """Take what a durable write says."""
        if isinstance(write, InstallSnapshot):
            rest = self.after(write.meta.index) if write.keep_log else []
            self.base, self.base_term, self.entries = write.meta.index, write.meta.term, rest
            return
        if write.drop_from:
            del self.entries[max(0, write.drop_from - self.base - 1) :]
        self.entries += write.entries

    def copy(self) -> Log:
        """A log of its own with the same entries."""
        return Log(self.base, self.base_term, self.entries)


class NodeState:
    """What the specification knows of one node in one of its lives."""

    def __init__(self, name: int, began: Configuration, found: Restored) -> None:
        self.name = name
        self.began = found.snapshot.configuration if found.snapshot else began
        """The configuration before the first that the log names."""
        self.term, self.vote = found.term, found.vote
        self.log = Log(*found.before, found.entries)
        if found.snapshot and self.log.last < found.snapshot.index:
            self.log = Log(*found.snapshot[:2])
        self.durable_term, self.durable_vote = found.term, found.vote
        self.durable = self.log.copy()
        self.writes: deque[Durable] = deque()
        """Issued, and not confirmed yet."""
        self.leads = self.halted = False
        self.repairing = found.must_not_vote
        self.granted: set[int] = set()
        """Nodes whose votes of this term arrived."""
        self.entitled = self.applied = found.snapshot.index if found.snapshot else 0
        """Up to where it may apply, and has."""
        self.must_hold = 0
        """What was committed when it began to be repaired."""

    def settle(self, token: int) -> None:
        """Writes up to a token are durable."""
        while self.writes and self.writes[0].token <= token:
            write = self.writes.popleft()
            self.durable_term, self.durable_vote = write.term, write.vote
            self.durable.write(write)

    def may_be_found(self) -> set[tuple[int, int]]:
        """Terms and votes that a crash at this moment may leave on the disk."""
        pairs = {(write.term, write.vote) for write in self.writes}
        return pairs | {(self.durable_term, self.durable_vote)}

    def kept_for_sure(self) -> list[Entry]:
        """Entries that no crash at this moment may take: durable, and no write drops them."""
        drops = [
            write.meta.index + 1 if isinstance(write, InstallSnapshot) else write.drop_from
            for write in self.writes
        ]
        first = min((index for index in drops if index), default=self.durable.last + 1)
        return [entry for entry in self.durable.entries if entry.index < first]

    def configuration(self) -> Configuration:
        """The newest one in the log, committed or not (thesis 4.1)."""
        for entry in reversed(self.log.entries):
            if entry.kind is Kind.CONFIGURATION:
                return Configuration.decode(entry.data)
        return self.began
