"""The reading side of a store: look-ups, scans and views.

A reader does not wait for commits: `get` looks in the map, and a scan or a view shows the pairs of
one moment, whatever is written later.
"""

from __future__ import annotations

from collections.abc import Iterator

from veristack_lab.errors import InvalidInput
from veristack_lab.veristore.memtable.views import View
from veristack_lab.veristore.opened import OpenedStore


class StoreReading(OpenedStore):
    """The part of `Store` that is read."""

    def get(self, key: bytes) -> bytes | None:
        """The value of a key, or None.

        Raises:
            StoreClosed: the store was closed.
            InvalidInput: the key is not bytes.
        """
        if type(key) is not bytes:
            self._check_get(key)
        return self._look_up(key)

    def _check_get(self, key: object) -> None:
        """Raises why the key cannot be looked up, if so."""
        self.check_open()
        if not isinstance(key, bytes):
            raise InvalidInput(f"a key is bytes, not {type(key).__name__}; encode it first")

    def scan(
        self, prefix: bytes = b"", start: bytes | None = None, limit: int | None = None
    ) -> Iterator[tuple[bytes, bytes]]:
        """Pairs in byte order of the keys, as they were when `scan` was called.

        Args:
            prefix: only keys that begin with it.
            start: only keys that are not below it.
            limit: at most n pairs.

        Raises:
            StoreClosed: the store was closed.
            InvalidInput: the limit is negative.
        """
        self.check_open()
        if limit is not None and limit < 0:
            raise InvalidInput(f"limit is {limit}; give 0 or more, or None for all")
        with self._map_lock:
            return iter(self._map.scan(prefix, start or b"", limit))

    def snapshot_view(self) -> View:
        """A view of the pairs as they are now, unchanged by later writes. Close it after use.

        Raises:
            StoreClosed: the store was closed.
        """
        with self._close_lock:
            self.check_open()
            return self._views.open(View)

    def __len__(self) -> int:
        self._check_owner()
        return len(self._map)

    def __bool__(self) -> bool:
        return True  # an empty store is still a store
