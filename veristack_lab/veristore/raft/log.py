"""The log as the core holds it in memory, with the configurations that its entries carry.

Pure data: durability is told by `durability`, commitment by `state`.
"""

from __future__ import annotations

from collections.abc import Sequence

from veristack_lab.veristore.raft.configuration import Configuration
from veristack_lab.veristore.raft.entries import Entry, Kind, SnapshotMeta
from veristack_lab.veristore.raft.events import Restored


class Log:
    """Entries without gaps; those up to `before_index` were compacted away."""

    __slots__ = ("_configurations", "before_index", "before_term", "entries", "last_index")

    def __init__(self, restored: Restored, initial: Configuration) -> None:
        self.before_index, self.before_term = restored.before
        self.entries = list(restored.entries)
        base = (0, initial)
        meta = restored.snapshot
        if meta is not None:
            base = (meta.index, meta.configuration)
            if restored.before == (0, 0) and (not self.entries or self.entries[0].index > 1):
                self.before_index, self.before_term = meta.index, meta.term
        self.last_index = self.before_index + len(self.entries)
        self._configurations = [base]
        for entry in self.entries:
            if entry.kind is Kind.CONFIGURATION and entry.index > base[0]:
                self._configurations.append((entry.index, Configuration.decode(entry.data)))

    @property
    def last_term(self) -> int:
        """The term of the last entry, or of the one before the first."""
        return self.entries[-1].term if self.entries else self.before_term

    @property
    def configuration(self) -> Configuration:
        """The one in force: of the last entry that carries one (thesis 4.1)."""
        return self._configurations[-1][1]

    @property
    def configuration_index(self) -> int:
        """The index of the entry that carries the configuration in force; 0: the initial one."""
        return self._configurations[-1][0]

    def configuration_at(self, index: int) -> Configuration:
        """The configuration in force at an index that was applied."""
        found = self._configurations[0][1]
        for at, configuration in self._configurations:
            if at <= index:
                found = configuration
        return found

    def term_at(self, index: int) -> int | None:
        """The term of an entry; None if the log does not reach it or no longer holds it."""
        at = index - self.before_index
        if 0 < at <= len(self.entries):
            return self.entries[at - 1].term
        return self.before_term if at == 0 else None

    def between(self, first: int, last: int) -> tuple[Entry, ...]:
        """Entries `first` to `last`, both included."""
        return tuple(self.entries[first - self.before_index - 1 : last - self.before_index])

    def batch(self, first: int, max_entries: int, max_bytes: int) -> tuple[Entry, ...]:
        """Entries from `first` on, within both bounds, at least one if there is one."""
        at = first - self.before_index - 1
        chosen: list[Entry] = []
        for entry in self.entries[at : at + max_entries]:
            max_bytes -= entry.size_bytes
            if chosen and max_bytes < 0:
                break
            chosen.append(entry)
        return tuple(chosen)

    def first_of_term(self, index: int) -> int:
        """The first held index of the term that the entry at `index` has."""
        at = index - self.before_index - 1
        term = self.entries[at].term
        while at > 0 and self.entries[at - 1].term == term:
            at -= 1
        return at + self.before_index + 1

    def last_of_term(self, term: int, index: int) -> int:
        """The last index up to `index` whose entry has this term; 0 if no entry has."""
        at = min(index, self.last_index) - self.before_index - 1
        while at >= 0 and self.entries[at].term > term:
            at -= 1
        return at + self.before_index + 1 if at >= 0 and self.entries[at].term == term else 0

    def append(self, entries: Sequence[Entry]) -> None:
        """Entries that follow the last one."""
        self.entries.extend(entries)
        self.last_index += len(entries)
        for entry in entries:
            if entry.kind is Kind.CONFIGURATION:
                self._configurations.append((entry.index, Configuration.decode(entry.data)))

    def truncate(self, first: int) -> None:
        """Remove entry `first` and all after it; their configurations are taken back."""
        del self.entries[first - self.before_index - 1 :]
        self.last_index = first - 1
        while len(self._configurations) > 1 and self._configurations[-1][0] >= first:
            self._configurations.pop()

    def compact(self, index: int) -> None:
        """Forget the entries up to `index`."""
        term = self.term_at(index)
        assert term is not None
        del self.entries[: index - self.before_index]
        self.before_index, self.before_term = index, term

    def forget_configurations(self, index: int) -> None:
        """Forget those that no position from `index` on asks for."""
        while len(self._configurations) > 1 and self._configurations[1][0] <= index:
            del self._configurations[0]

    def restart_at(self, meta: SnapshotMeta) -> None:
        """An installed snapshot stands for the whole log."""
        self.entries.clear()
        self.before_index, self.before_term = meta.index, meta.term
        self.last_index = meta.index
        self._configurations = [(meta.index, meta.configuration)]
