"""Superseded values, kept exactly as long as an open view needs them.

The map holds the newest value of each key and knows nothing of this. Before a change is made
while a view is open, the value that it replaces is noted with the LSN of the change: it was
current for every LSN below. So a reader at LSN v takes, of a key's notes in their order, the
first whose LSN is above v; with none, nothing changed since v, and the map's own value is
right. (Multiversion concurrency control with the newest value in place and the older ones
aside, as in Oracle and InnoDB; Bernstein and Goodman, 1983.)

A note that no open view can reach is not made, so there is at most one per key and view.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from veristack_lab.veristore.wal.mutations import Change

Note = tuple[int, bytes | None]
"""The LSN of a change, and the value it replaced; None if there was no such key."""


class Versions:
    """The notes of one map. Callers hold the map's lock, except for `value_at`."""

    def __init__(self) -> None:
        self._notes: dict[bytes, tuple[Note, ...]] = {}
        self._readers: list[int] = []

    def __repr__(self) -> str:
        return f"<Versions of {len(self._notes)} keys for {len(self._readers)} views>"

    def __contains__(self, key: object) -> bool:
        """Whether a view may need this key, deleted or not."""
        return key in self._notes

    @property
    def readers(self) -> int:
        """How many views are open."""
        return len(self._readers)

    @property
    def count(self) -> int:
        """How many superseded values are kept."""
        return sum(map(len, self._notes.values()))

    def open(self, lsn: int) -> None:
        """Register a reader at this LSN, the newest one."""
        self._readers.append(lsn)

    def close(self, lsn: int) -> None:
        """Unregister a reader at this LSN; drop the notes that only it needed."""
        was_oldest = self._readers[0] == lsn
        self._readers.remove(lsn)
        if not self._readers:
            # A new table, not a cleared one: a snapshot may be walking through the old one.
            self._notes = {}
        elif was_oldest:
            self.prune()

    def prune(self) -> None:
        """Drop every value that no open view can reach."""
        notes: dict[bytes, tuple[Note, ...]] = {}
        for key, old in self._notes.items():
            kept, since = [], 0
            for lsn, value in old:
                if any(since <= reader < lsn for reader in self._readers):
                    kept.append((lsn, value))
                since = lsn
            if kept:
                notes[key] = tuple(kept)
        self._notes = notes

    def keep(
        self, lsn: int, changes: Iterable[Change], current: Callable[[bytes], bytes | None]
    ) -> None:
        """Note what a record with this LSN is about to replace."""
        newest = self._readers[-1]
        for key, _ in changes:
            notes = self._notes.get(key, ())
            # Made by a change above the newest view, no reader needs the present value.
            if not notes or notes[-1][0] <= newest:
                self._notes[key] = (*notes, (lsn, current(key)))

    def value_at(self, lsn: int, key: bytes, current: bytes | None) -> bytes | None:
        """The value of a key at an LSN that a reader is open for. Needs no lock.

        Args:
            lsn: the reader's.
            key: the key.
            current: its newest value, read *before* this call: a change makes its note first,
                so a reader of the changed value finds the note.
        """
        for changed_at, value in self._notes.get(key, ()):
            if changed_at > lsn:
                return value
        return current

    def is_apart_from(self, keys: Iterable[bytes]) -> bool:
        """Whether none of the keys has a note."""
        return self._notes.keys().isdisjoint(keys)
