"""The map in memory: a hash table for the keys, and their order kept lazily.

Most calls are `get` and `put`, so both are one dictionary operation. The order is needed only
by `scan`: keys added since the last scan wait in a list and are merged into the sorted one
then, few by binary insertion, many by one sort (Timsort merges two sorted runs in linear
time). Removed keys stay in the sorted list until they are half of it, and longer if an open
view may still want them. A balanced tree would make every put pay for a scan that may never
come.

Not thread-safe: the store holds its lock around every call except `get`.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable

from veristack_lab.veristore.columns import Columns
from veristack_lab.veristore.mutations import Change
from veristack_lab.veristore.versions import Versions

_FEW = 64
"""Up to this many new keys are inserted one by one (a binary search and a memmove each)."""
_MANY = 4096
"""Up to this many keys wait for a scan though they may have been removed again."""


class SortedMap:
    """Bytes to bytes, with ordered scans."""

    def __init__(self) -> None:
        self.versions = Versions()
        """What open views still need of what was replaced."""
        self._values: dict[bytes, bytes] = {}
        self._sorted: list[bytes] = []
        self._added: list[bytes] = []
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
        self._added = list(values)
        self._is_size_known = False

    def put(self, key: bytes, value: bytes) -> None:
        """Set a key."""
        old = self._values.get(key)
        if old is None:
            self._added.append(key)
            self._size_bytes += len(key) + len(value)
        else:
            self._size_bytes += len(value) - len(old)
        self._values[key] = value

    def delete(self, key: bytes) -> None:
        """Remove a key, present or not."""
        old = self._values.pop(key, None)
        if old is not None:
            self._size_bytes -= len(key) + len(old)

    def put_many(self, columns: Columns) -> None:
        """Set all pairs, in their order.

        Asking of every key whether it is new takes as long as setting it. So batches of new
        keys are taken for granted while they come: the first other one makes the size unknown,
        and from then on the question is asked.
        """
        values, keys = self._values, columns.keys
        if self._expects_known and not values.keys().isdisjoint(keys):
            for key, value in columns:
                self.put(key, value)
            return
        expected = len(values) + len(keys)
        self._added += keys  # first: a key without a value in the order is passed over
        columns.into(values)
        self._size_bytes += columns.size_bytes
        self._expects_known = len(values) < expected
        if self._expects_known:
            self._is_size_known = False

    def apply(self, changes: Iterable[Change]) -> None:
        """Make the changes in their order."""
        if isinstance(changes, Columns):
            self.put_many(changes)
        else:
            for key, value in changes:
                if value is None:
                    self.delete(key)
                else:
                    self.put(key, value)
        if len(self._added) > 2 * len(self._values) + _MANY:
            self._added = [key for key in dict.fromkeys(self._added) if self._is_needed(key)]

    def apply_record(self, lsn: int, changes: Iterable[Change]) -> None:
        """Make the changes of the record with this LSN; open views do not see them.

        Done whole even on Ctrl-C in the middle, which is raised after. Done once: an LSN that
        was applied already is left alone.
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
        if self._added:
            # A key removed and put again waits here a second time: known by its position.
            if len(self._added) <= _FEW:
                for key in self._added:
                    position = bisect_left(keys, key)
                    if position == len(keys) or keys[position] != key:
                        insort(keys, key, position)
            else:
                keys.extend(sorted(set(self._added).difference(keys)))
                keys.sort()
            self._added.clear()
        if len(keys) > 2 * len(self._values) + _FEW:
            self._sorted = [key for key in keys if self._is_needed(key)]
