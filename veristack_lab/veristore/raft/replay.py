"""What a node's log says, record by record: the state that `recovery` and `storage` share."""

from __future__ import annotations

from collections.abc import Sequence

from veristack_lab.errors import StoreCorrupt
from veristack_lab.veristore.raft import records
from veristack_lab.veristore.raft.entries import Entry, SnapshotMeta
from veristack_lab.veristore.raft.records import Identity, LogDamage, Record
from veristack_lab.veristore.wal.mutations import RecordType

MAX_SNAPSHOTS_NAMED = 2
"""Of the snapshots that a log names, the newest are remembered: the last one counts, and the one
before it serves if the last one cannot be read."""
MAX_DAMAGES = 64
"""Marks of damage that are carried from segment to segment; the oldest go first."""


class LogState:
    """Term, vote, entries and snapshot of a log. Changed by one record at a time.

    Every change checks what must hold of a log: terms never go back, entries have no gaps.
    """

    def __init__(self) -> None:
        self.identity: Identity | None = None
        self.term = 0
        self.vote = 0
        self.before = (0, 0)
        """Index and term of the entry before the first."""
        self.entries: list[Entry] = []
        self.snapshots: list[SnapshotMeta] = []
        """Those that were named, newest last."""
        self.damages: list[LogDamage] = []

    def __repr__(self) -> str:
        return f"<LogState term={self.term} entries {self.first_index} to {self.last_index}>"

    @property
    def first_index(self) -> int:
        """The index of the first entry that is held, or that would be."""
        return self.before[0] + 1

    @property
    def last_index(self) -> int:
        """The index of the last entry; that of the entry before the first if none is held."""
        return self.before[0] + len(self.entries)

    @property
    def snapshot(self) -> SnapshotMeta | None:
        """The snapshot that counts."""
        return self.snapshots[-1] if self.snapshots else None

    def term_of(self, index: int) -> int | None:
        """The term of an entry that is held, or of the one before; None for others."""
        if index == self.before[0]:
            return self.before[1]
        if self.first_index <= index <= self.last_index:
            return self.entries[index - self.first_index].term
        return None

    def apply(self, kind: int, payload: bytes) -> None:
        """Take in one record.

        Raises:
            StoreCorrupt: it cannot follow what came before: it was written wrong.
        """
        if kind == RecordType.RAFT_ENTRY:
            self.append(records.decode_entry(payload))
        elif kind == RecordType.RAFT_TERM:
            self.set_term(*records.decode_term(payload))
        elif kind == RecordType.RAFT_DROP:
            self.drop(records.decode_drop(payload))
        elif kind == RecordType.RAFT_SNAPSHOT:
            self.name_snapshot(records.decode_snapshot(payload))
        elif kind == RecordType.RAFT_BEFORE:
            self.before = records.decode_before(payload)
        elif kind == RecordType.RAFT_NODE:
            self.identity = Identity.decode(payload)
        elif kind == RecordType.RAFT_DAMAGE:
            self.damages = [*self.damages, LogDamage.decode(payload)][-MAX_DAMAGES:]
        elif kind == RecordType.RAFT_REPAIRED:
            self.damages = []
        elif kind != RecordType.MARK:
            raise StoreCorrupt(f"a record of type {kind} has no place in the log of a Raft node")

    def set_term(self, term: int, vote: int) -> None:
        """Take term and vote. Raises `StoreCorrupt` if the term goes back."""
        if term < self.term:
            raise StoreCorrupt(f"the log goes from term {self.term} back to term {term}")
        self.term, self.vote = term, vote

    def append(self, entry: Entry) -> None:
        """Take one entry. Raises `StoreCorrupt` if its place or term is wrong."""
        if entry.index != self.last_index + 1 or entry.term > self.term:
            raise StoreCorrupt(
                f"entry {entry.index} of term {entry.term} cannot follow entry {self.last_index} "
                f"in term {self.term}"
            )
        self.entries.append(entry)

    def drop(self, index: int) -> None:
        """Forget entries from an index on. Raises `StoreCorrupt` if it is not held."""
        if not self.first_index <= index <= self.last_index + 1:
            raise StoreCorrupt(
                f"entries from {index} on are dropped, of {self.first_index} to {self.last_index}"
            )
        del self.entries[index - self.first_index :]

    def name_snapshot(self, meta: SnapshotMeta) -> None:
        """Let a snapshot count."""
        self.snapshots = [*self.snapshots, meta][-MAX_SNAPSHOTS_NAMED:]

    def compact(self, index: int) -> None:
        """Forget entries up to an index, and what covered less.

        Raises:
            StoreCorrupt: no entry of this index is held, so its term is not known.
        """
        term = self.term_of(index)
        if term is None:
            raise StoreCorrupt(f"entry {index} is not held: {self!r}")
        del self.entries[: index - self.before[0]]
        self.before = (index, term)

    def restart_at(self, meta: SnapshotMeta, *, keep_log: bool) -> None:
        """Let an installed snapshot take the place of the log up to it, or of all of it."""
        if keep_log and self.term_of(meta.index) == meta.term:
            self.compact(meta.index)
        else:
            self.entries, self.before = [], (meta.index, meta.term)
        self.snapshots = [meta]

    def as_records(self) -> list[Record]:
        """The records with which a segment of this state begins, but the MARK."""
        head: Sequence[Record | None] = (
            self.identity.encode() if self.identity is not None else None,
            records.encode_before(*self.before),
            records.encode_snapshot(self.snapshots[-1]) if self.snapshots else None,
            *(damage.encode() for damage in self.damages),
            records.encode_term(self.term, self.vote),
        )
        return [
            *(record for record in head if record is not None),
            *map(records.encode_entry, self.entries),
        ]
