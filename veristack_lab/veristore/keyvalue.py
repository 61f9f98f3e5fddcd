"""What a key-value store offers to the layers above it: one protocol.

The object store and the metadata of llmcache need no more than this, so any store that passes
the conformance tests can stand below them. `veristore.Store` is one.

**The promise.** Keys and values are bytes, keys are in byte order. A write returns at its commit
point: from then on the change is durable (unless the store was opened to promise less) and every
reader sees it. Each change has a number, greater than the number of every change before it; the
changes of a batch share one and are seen together or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, Self

from veristack_lab.runtime.clock import Clock
from veristack_lab.veristore.disk import Disk
from veristack_lab.veristore.wal.mutations import Batch


class Readable(Protocol):
    """Pairs that can be looked up and listed."""

    def get(self, key: bytes) -> bytes | None:
        """The value of a key, or None.

        Raises:
            StoreClosed: the store or the view was closed.
            InvalidInput: the key is not bytes.
        """

    def scan(
        self, prefix: bytes = b"", start: bytes | None = None, limit: int | None = None
    ) -> Iterator[tuple[bytes, bytes]]:
        """Pairs in byte order of the keys, all as of one moment.

        Args:
            prefix: only keys that begin with it.
            start: only keys that are not below it.
            limit: at most this many pairs.

        Raises:
            StoreClosed: the store or the view was closed.
            InvalidInput: the limit is negative.
        """


class ReadView(Readable, Protocol):
    """The pairs as they were at one moment, whatever writers do meanwhile. Close it after use."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: object) -> None: ...

    def close(self) -> None:
        """Let go of what was kept for this view. Safe to call again."""


class KeyValue(Readable, Protocol):
    """A key-value store. Thread-safe."""

    def snapshot_view(self) -> ReadView:
        """A view of what is there now.

        Raises:
            StoreClosed: the store was closed.
        """

    def put(self, key: bytes, value: bytes) -> int:
        """Set a key. Returns the number of the change.

        Raises:
            KeyTooLarge, ValueTooLarge, InvalidInput: the key or value cannot be stored.
            StoreError: the store failed or was closed; the change is not acknowledged.
        """

    def delete(self, key: bytes) -> int:
        """Remove a key, present or not. Returns the number of the change.

        Raises:
            KeyTooLarge, InvalidInput: the key is not a valid one.
            StoreError: the store failed or was closed; the change is not acknowledged.
        """

    def write(self, batch: Batch) -> int:
        """Make all changes of a batch together, in their order. Returns their number.

        Raises:
            InvalidInput: the batch is empty.
            StoreError: the store failed or was closed; no change is acknowledged.
        """

    def sync(self) -> int:
        """Make every acknowledged change durable. Returns the number of the last durable one.

        Raises:
            StoreError: the store failed or was closed; an acknowledged change may be lost.
        """


class Progress(Protocol):
    """How far a store is durable."""

    @property
    def durable_lsn(self) -> int:
        """Number of the newest change that a power cut cannot take."""


class LocalKeyValue(KeyValue, Protocol):
    """A key-value store in a folder of its own, beside which its user may keep files.

    The object store keeps large content there.
    """

    @property
    def path(self) -> Path:
        """The folder."""

    @property
    def disk(self) -> Disk:
        """The disk on which the folder is."""

    @property
    def clock(self) -> Clock:
        """Where the store asks for the time."""

    @property
    def is_read_only(self) -> bool:
        """Whether the store was opened read-only."""

    @property
    def is_inherited(self) -> bool:
        """Whether this process is a fork of the one that opened the store."""

    def check_open(self) -> None:
        """Raises `StoreClosed` or `StoreForked` if the store cannot be used."""

    def check_writable(self) -> None:
        """Raises a `StoreError` if the store takes no writes."""

    def stats(self) -> Progress:
        """How far the store is durable, and more. Cheap."""
