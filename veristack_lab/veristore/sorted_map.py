"""The map in memory: a hash table for the keys, and their order kept lazily.

Most calls are `get` and `put`, so both are one dictionary operation. The order is needed only
by `scan`: keys added since the last scan wait in a list and are merged into the sorted one
then, few by binary insertion, many by one sort (Timsort merges two sorted runs in linear
time). Removed keys stay in the sorted list until they are half of it. A balanced tree would
make every put pay for a scan that may never come.

Not thread-safe: the store holds its lock around every call except `get`.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable

from veristack_lab.veristore.mutations import Change

_FEW = 64
"""Up to this many new keys are inserted one by one (a binary search and a memmove each)."""


class SortedMap:
    """Bytes to bytes, with ordered scans."""

    def __init__(self) -> None:
        self._values: dict[bytes, bytes] = {}
        self._sorted: list[bytes] = []
        self._added: list[bytes] = []
        self.size_bytes = 0
        """Keys and values together."""
        self.get = self._values.get

    def __repr__(self) -> str:
        return f"<SortedMap of {len(self)} keys, {self.size_bytes:,} bytes>"

    def __len__(self) -> int:
        return len(self._values)

    def fill(self, values: dict[bytes, bytes]) -> None:
        """Take over a dictionary as the contents of an empty map."""
        self._values = values
        self.get = values.get
        self._added = list(values)
        self.size_bytes = sum(map(len, values)) + sum(map(len, values.values()))

    def put(self, key: bytes, value: bytes) -> None:
        """Set a key."""
        old = self._values.get(key)
        if old is None:
            self._added.append(key)
            self.size_bytes += len(key) + len(value)
        else:
            self.size_bytes += len(value) - len(old)
        self._values[key] = value

    def delete(self, key: bytes) -> None:
        """Remove a key, present or not."""
        old = self._values.pop(key, None)
        if old is not None:
            self.size_bytes -= len(key) + len(old)

    def apply(self, changes: Iterable[Change]) -> None:
        """Make the changes in their order."""
        for key, value in changes:
            if value is None:
                self.delete(key)
            else:
                self.put(key, value)

    def items(self) -> list[tuple[bytes, bytes]]:
        """Every pair, in byte order of the keys."""
        self._merge()
        values = self._values
        return [(key, values[key]) for key in self._sorted if key in values]

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
            self._sorted = [key for key in keys if key in self._values]
