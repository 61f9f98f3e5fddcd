"""A stable look at the store: every read is as of one LSN, whatever writers do meanwhile.

    with store.snapshot_view() as view:
        total = sum(len(value) for _, value in view.scan())

Opening one takes no time and copies nothing; writers pay for it only while it is open, with a
note for each key they change (see `versions`). Close it: memory holds what it may still need.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Self, TypeVar

from veristack_lab.errors import InvalidInput, StoreClosed, StoreForked
from veristack_lab.veristore.memtable.sorted_map import SortedMap
from veristack_lab.veristore.wal.columns import Columns

Kind = TypeVar("Kind", bound="View")

_SCAN_KEYS = 256
"""Keys looked at under the lock at a time: writers wait no longer than for these."""
_PIECE_PAIRS = 1024
_PIECE_BYTES = 1024 * 1024


class View:
    """One stable look. Thread-safe. Made by `Store.snapshot_view`, under the map's lock."""

    def __init__(
        self, values: SortedMap, lock: threading.Lock, on_close: Callable[[View], None]
    ) -> None:
        self._map = values
        self._lock = lock
        self._on_close = on_close
        self._is_open = True
        self._is_inherited = False
        self.lsn = values.lsn
        """The last record whose changes are seen."""
        values.versions.open(self.lsn)

    def __repr__(self) -> str:
        return f"<View at LSN {self.lsn}{'' if self._is_open else ', closed'}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def get(self, key: bytes) -> bytes | None:
        """The value of a key at this LSN, or None.

        Raises:
            StoreClosed: the view or its store was closed.
            InvalidInput: the key is not bytes.
        """
        if not isinstance(key, bytes):
            raise InvalidInput(f"a key is bytes, not {type(key).__name__}; encode it first")
        value = self._map.versions.value_at(self.lsn, key, self._map.get(key))
        self._check_open()  # after the read: what was found while it was open is right
        return value

    def scan(
        self, prefix: bytes = b"", start: bytes | None = None, limit: int | None = None
    ) -> Iterator[tuple[bytes, bytes]]:
        """Pairs in byte order of the keys, read as the iteration goes on.

        Args:
            prefix: only keys that begin with it.
            start: only keys that are not below it.
            limit: at most this many pairs.

        Raises:
            StoreClosed: the view or its store was closed, now or during the iteration.
            InvalidInput: the limit is negative.
        """
        self._check_open()
        if limit is not None and limit < 0:
            raise InvalidInput(f"limit is {limit}; give 0 or more, or None for all")
        return self._scan(prefix, max(prefix, start or b""), limit)

    def _scan(
        self, prefix: bytes, start: bytes, limit: int | None
    ) -> Iterator[tuple[bytes, bytes]]:
        left = limit
        while left is None or left > 0:
            wanted = _SCAN_KEYS if left is None else min(left, _SCAN_KEYS)
            with self._lock:
                self._check_open()
                found, following = self._map.scan_at(self.lsn, prefix, start, wanted)
            yield from found
            if following is None:
                return
            start = following
            left = None if left is None else left - len(found)

    def close(self) -> None:
        """Release what was kept for this view. Safe to call again."""
        with self._lock:
            if self._is_open:
                self._is_open = False
                self._map.versions.close(self.lsn)
                self._on_close(self)

    def disown(self, lock: threading.Lock) -> None:
        """In a fork: refuse every read. `lock` is free; the view's old lock may not be."""
        self._is_open, self._is_inherited, self._lock = False, True, lock

    def _check_open(self) -> None:
        if not self._is_open:
            if self._is_inherited:
                raise StoreForked
            raise StoreClosed("this view, or its store, was closed; open another one")


class SnapshotView(View):
    """A view for the writer of a snapshot: it gives all pairs, in no order, in columns."""

    def __init__(
        self, values: SortedMap, lock: threading.Lock, on_close: Callable[[View], None]
    ) -> None:
        super().__init__(values, lock, on_close)
        # The one copy that is made while writers wait: references, 8 bytes a key.
        self._keys = values.keys()

    def columns(self) -> Iterator[Columns]:
        """Every pair once, in pieces of about 1 MiB or 1,024 pairs, whichever is less.

        Small pieces, because between two of them, when one is written to the disk, a writer
        gets the interpreter.
        """
        for first in range(0, len(self._keys), _PIECE_PAIRS):
            keys = self._keys[first : first + _PIECE_PAIRS]
            values = self._values_of(keys)
            if sum(map(len, values)) <= _PIECE_BYTES:
                yield Columns(keys, values)
            else:
                yield from _split(keys, values)

    def _values_of(self, keys: Sequence[bytes]) -> list[bytes]:
        versions = self._map.versions
        found = list(map(self._map.get, keys))
        if not versions.is_apart_from(keys):
            found = [
                versions.value_at(self.lsn, key, value)
                for key, value in zip(keys, found, strict=True)
            ]
        return found  # type: ignore[return-value]  # each of these keys had a value at this LSN


def _split(keys: Sequence[bytes], values: list[bytes]) -> Iterator[Columns]:
    first, size = 0, 0
    for position, value in enumerate(values):
        if size and size + len(value) > _PIECE_BYTES:
            yield Columns(keys[first:position], values[first:position])
            first, size = position, 0
        size += len(value)
    yield Columns(keys[first:], values[first:])


class Views:
    """The open views of one store."""

    def __init__(self, values: SortedMap, lock: threading.Lock) -> None:
        self._map = values
        self._lock = lock
        self._open: set[View] = set()

    def open(self, kind: type[Kind]) -> Kind:
        """A view at the newest acknowledged record."""
        with self._lock:
            view = kind(self._map, self._lock, self._open.discard)
            self._open.add(view)
        return view

    def prune(self) -> None:
        """Drop what no open view can reach: views that closed in between leave some."""
        with self._lock:
            self._map.versions.prune()

    def disown(self, lock: threading.Lock) -> None:
        """In a fork: refuse every read of every open view."""
        self._lock = lock
        for view in tuple(self._open):
            view.disown(lock)

    def close_all(self) -> None:
        """Close every view, even if it is still in use."""
        for view in tuple(self._open):
            view.close()
