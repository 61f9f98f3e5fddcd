"""The map in memory: a hash table for the keys, and their order kept lazily.

Most calls are `get` and `put`, so both are one dictionary operation. The order is needed only
by `scan`: keys added since the last scan, which are the last in the dictionary, are merged into
a sorted list then, few by binary insertion, many by one sort (Timsort merges two sorted runs in
linear time). Removed keys stay in the sorted list until they are half of it, and longer if an open
view may still need them. A balanced tree would make every put pay for a scan that may never come.

Not thread-safe: the store holds its lock around every call except `get`.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable
from itertools import islice
from operator import itemgetter

from veristack_lab.veristore.memtable.versions import Versions
from veristack_lab.veristore.wal.columns import Pairs
from veristack_lab.veristore.wal.mutations import Change

_FEW = 64
"""Up to this many new keys are inserted one by one (a binary search and a memmove each)."""
_MANY = 4096
"""At most this many removed keys wait for a scan once no view needs them any more."""

_KEY = itemgetter(0)


class SortedMap:
    """Bytes to bytes, with ordered scans."""

    def __init__(self) -> None:
        self.versions = Versions()
        """What open views still need of what was replaced."""
        self._values: dict[bytes, bytes] = {}
        self._sorted: list[bytes] = []
        self._unsorted = 0
        """At most this many keys at the end of the dictionary are missing from the sorted list."""
        self._removed: list[bytes] = []
        """Keys that may be missing there and in the dictionary, but were seen by open views."""
        self._size_bytes = 0
        self._is_size_known = True
        self._expects_known = False
        self.lsn = 0
        """The last record whose changes were made."""
        self.get = self._values.get

    def __repr__(self) -> str:
        return f"<SortedMap of {len(self)} keys, {self.size_bytes:,} bytes>"

    def __len__(self) -> int:
        return len(self._values)

    @property
    def size_bytes(self) -> int:
        """Keys and values together."""
        if not self._is_size_known:
            values = self._values
            self._size_bytes = sum(map(len, values)) + sum(map(len, values.values()))
            self._is_size_known = True
        return self._size_bytes

    def fill(self, values: dict[bytes, bytes], lsn: int = 0) -> None:
        """Take over a dictionary, as of an LSN, as the contents of an empty map."""
        self.lsn = lsn
        self._values = values
        self.get = values.get
        self._unsorted = len(values)
        self._is_size_known = False

    def put(self, key: bytes, value: bytes) -> None:
        """Set a key."""
        old = self._values.get(key)
        if old is None:
            self._unsorted += 1
            self._size_bytes += len(key) + len(value)
        else:
            self._size_bytes += len(value) - len(old)
        self._values[key] = value

    def delete(self, key: bytes) -> None:
        """Remove a key, present or not."""
        if self._unsorted and self.versions.readers:
            self._removed.append(key)
        old = self._values.pop(key, None)
        if old is not None:
            self._size_bytes -= len(key) + len(old)

    def put_many(self, pairs: Pairs) -> None:
        """Set all pairs, in their order.

        Checking whether a key is new takes as long as setting it. So keys are assumed to be new
        until a batch repeats one: that makes the size unknown, and from then on every key is
        checked.
        """
        values, before = self._values, len(self._values)
        if self._expects_known and not values.keys().isdisjoint(map(_KEY, pairs)):
            for key, value in pairs:
                self.put(key, value)
            return
        # First, because of Ctrl-C: looking for a key that is absent or sorted does no harm.
        unsorted, self._unsorted = self._unsorted, self._unsorted + len(pairs)
        values.update(pairs.pairs)
        new = len(values) - before
        self._unsorted = unsorted + new
        self._size_bytes += pairs.size_bytes
        self._expects_known = new < len(pairs)
        if self._expects_known:
            self._is_size_known = False

    def apply(self, changes: Iterable[Change]) -> None:
        """Make the changes in their order."""
        if isinstance(changes, Pairs):
            self.put_many(changes)
        else:
            for key, value in changes:
                if value is None:
                    self.delete(key)
                else:
                    self.put(key, value)
        if len(self._removed) > 2 * len(self._values) + _MANY:
            self._removed = [key for key in dict.fromkeys(self._removed) if self._is_needed(key)]

    def apply_record(self, lsn: int, changes: Iterable[Change]) -> None:
        """Make the changes of the record with this LSN; open views do not see them.

        All changes are made even on Ctrl-C in the middle, which is raised afterwards. An LSN that
        was applied already is skipped.
        """
        interrupt: KeyboardInterrupt | None = None
        while self.lsn < lsn:
            try:
                if self.versions.readers:
                    self.versions.keep(lsn, changes, self.get)
                self.apply(changes)
                self.lsn = lsn
            except KeyboardInterrupt as pressed:
                interrupt, self._is_size_known = pressed, False
        if interrupt is not None:
            raise interrupt

    def keys(self) -> list[bytes]:
        """Every key, in no order."""
        return list(self._values)

    def items(self) -> list[tuple[bytes, bytes]]:
        """Every pair, in byte order of the keys."""
        return self.scan(b"", b"", None)

    def scan(self, prefix: bytes, start: bytes, limit: int | None) -> list[tuple[bytes, bytes]]:
        """Pairs whose key has the prefix and is not below `start`, in byte order."""
        self._merge()
        values, keys = self._values, self._sorted
        found: list[tuple[bytes, bytes]] = []
        for position in range(bisect_left(keys, max(prefix, start)), len(keys)):
            key = keys[position]
            if not key.startswith(prefix) or (limit is not None and len(found) >= limit):
                break
            value = values.get(key)
            if value is not None:
                found.append((key, value))
        return found

    def scan_at(
        self, lsn: int, prefix: bytes, start: bytes, limit: int
    ) -> tuple[list[tuple[bytes, bytes]], bytes | None]:
        """As `scan` for a reader that is open at this LSN, a limited number of keys at a time.

        Returns:
            The pairs among the next `limit` keys, and the key to go on from, or None at the end.
        """
        self._merge()
        keys, found = self._sorted, list[tuple[bytes, bytes]]()
        first = bisect_left(keys, start)
        for key in keys[first : first + limit]:
            if not key.startswith(prefix):
                return found, None
            value = self.versions.value_at(lsn, key, self._values.get(key))
            if value is not None:
                found.append((key, value))
        end = first + limit
        return found, keys[end] if end < len(keys) else None

    def _is_needed(self, key: bytes) -> bool:
        return key in self._values or key in self.versions

    def _merge(self) -> None:
        keys = self._sorted
        added = [*islice(reversed(self._values), self._unsorted), *self._removed]
        # Among them are keys that were sorted before: known by their position.
        if len(added) <= _FEW:
            for key in added:
                position = bisect_left(keys, key)
                if position == len(keys) or keys[position] != key:
                    insort(keys, key, position)
        else:
            keys.extend(sorted(set(added).difference(keys)))
            keys.sort()
        self._unsorted = 0
        self._removed.clear()
        if len(keys) > 2 * len(self._values) + _FEW:
            self._sorted = [key for key in keys if self._is_needed(key)]
