"""One file or folder as the page cache has it, as the platter has it, and what lies between.

All states are values: an operation makes a new one. So a clone of a disk is a copy of a table
of references, and a thousand images share what they have in common.

A file has a *cached* content, which every read sees, and a *durable* one, which is all that a
power cut is sure to leave. Between them lie the *pending* changes that no sync has covered.
A sync that failed leaves its changes *doubtful*: the kernel has marked the pages clean and
will not write them again, so no later sync makes them durable, though some may have got
through (Rebello et al., "Can Applications Recover from fsync Failures?", ATC 2020).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

from veristack_lab.sim.disk.content import Content

SECTOR_BYTES = 512
"""What a disk writes as a whole or not at all."""
PAGE_BYTES = 4096
"""What the page cache writes back as one."""


class Change(NamedTuple):
    """A write or truncation of a file, as the device will see it.

    What the device gets may differ from what was asked for: a lost, misdirected or flipped
    write is such a difference.
    """

    offset: int
    data: bytes
    length: int
    """The file's length after it: metadata, which travels apart from the data."""
    truncates: bool = False


def advance(content: Content, change: Change) -> Content:
    """What the device holds after one more change has wholly reached it."""
    if change.truncates:
        return content.resized(change.length)
    room = content.resized(max(len(content), change.length))
    return room.written(change.offset, change.data).resized(len(room))


_EMPTY = Content()


class FileState(NamedTuple):
    """One file at one moment."""

    cached: Content = _EMPTY
    durable: Content = _EMPTY
    pending: tuple[Change, ...] = ()
    doubtful: tuple[Change, ...] = ()
    is_faithful: bool = True
    """The device gets every change as it was asked for, and no sync failed: then the next sync
    makes the durable content the cached one, at no cost."""

    @classmethod
    def at_rest(cls, content: Content) -> FileState:
        """A file with nothing unsynced."""
        return cls(content, content)

    @property
    def unsynced(self) -> tuple[Change, ...]:
        """Every change that a power cut may undo, oldest first."""
        return self.doubtful + self.pending

    def written(self, offset: int, data: bytes, landed: tuple[int, bytes] | None) -> FileState:
        """The file after a write; `landed` is what the device gets and where, if different."""
        if not data:
            return self
        cached = self.cached.written(offset, data)
        device_offset, device_data = landed or (offset, data)
        change = Change(device_offset, device_data, len(cached))
        return FileState(
            cached,
            self.durable,
            (*self.pending, change),
            self.doubtful,
            self.is_faithful and landed is None,
        )

    def truncated(self, length: int) -> FileState:
        """After a truncation (or extension)."""
        change = Change(0, b"", length, truncates=True)
        cached = self.cached.resized(length)
        return self._replace(cached=cached, pending=(*self.pending, change))

    def synced(self) -> FileState:
        """After a sync that worked: all pending changes are durable."""
        if self.is_faithful:
            return FileState(self.cached, self.cached)
        durable = self.durable
        if not self.doubtful:
            for change in self.pending:
                durable = advance(durable, change)
            return FileState(self.cached, durable, is_faithful=False)
        for change in self.pending:
            durable = advance(durable, change if change.truncates else self._whole_pages(change))
        left = (self._still_doubtful(old) for old in self.doubtful)
        return FileState(
            self.cached,
            durable.resized(len(self.cached)),
            doubtful=tuple(change for change in left if change.data),
            is_faithful=False,
        )

    def _whole_pages(self, change: Change) -> Change:
        # Write-back takes whole pages: what a failed sync left behind in them goes along.
        first = change.offset // PAGE_BYTES * PAGE_BYTES
        end = -(-(change.offset + len(change.data)) // PAGE_BYTES) * PAGE_BYTES
        return Change(first, self.cached[first:end], change.length)

    def _still_doubtful(self, old: Change) -> Change:
        """What a successful sync leaves in doubt: data of other pages, but no length."""
        length = len(self.cached)
        written = old.data and any(
            _pages(old)[0] in _pages(new) for new in self.pending if new.data
        )
        kept = b"" if old.truncates or written else old.data[: max(0, length - old.offset)]
        return Change(old.offset, kept, length)

    def sync_failed(self) -> FileState:
        """After a sync that failed: pages are clean, and their data is in doubt for ever."""
        pieces = tuple(piece for change in self.pending for piece in _by_page(change))
        return self._replace(pending=(), doubtful=self.doubtful + pieces, is_faithful=False)


def _by_page(change: Change) -> Iterator[Change]:
    if change.truncates or not change.data:
        yield change
        return
    for page in _pages(change):
        start = max(change.offset, page * PAGE_BYTES)
        end = min(change.offset + len(change.data), (page + 1) * PAGE_BYTES)
        data = change.data[start - change.offset : end - change.offset]
        yield Change(start, data, change.length)


def _pages(change: Change) -> range:
    end = change.offset + len(change.data)
    return range(change.offset // PAGE_BYTES, -(-end // PAGE_BYTES))


class Rebinding(NamedTuple):
    """One change of a folder: names and the inodes they lead to from now on (0: none).

    It happens as a whole or not at all: file systems make single directory operations atomic
    (Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014, table 1).
    """

    names: tuple[tuple[str, int], ...]

    def touches(self, other: Rebinding) -> bool:
        """Whether the two share a name; then they reach the disk in their order."""
        return not {name for name, _ in self.names}.isdisjoint(name for name, _ in other.names)


@dataclass(frozen=True)
class FolderState:
    """One folder at one moment: names and inode numbers. The mappings are never changed."""

    cached: Mapping[str, int]
    durable: Mapping[str, int]
    pending: tuple[Rebinding, ...] = ()

    def rebound(self, *names: tuple[str, int]) -> FolderState:
        """After one directory operation."""
        change = Rebinding(names)
        return FolderState(bind(self.cached, [change]), self.durable, (*self.pending, change))

    def synced(self) -> FolderState:
        """After a sync of the folder."""
        return FolderState(self.cached, self.cached)


def bind(names: Mapping[str, int], changes: Sequence[Rebinding]) -> dict[str, int]:
    """Names and inodes after directory operations."""
    bound = dict(names)
    for change in changes:
        for name, inode in change.names:
            if inode:
                bound[name] = inode
            else:
                bound.pop(name, None)
    return bound


def digest(content: bytes) -> bytes:
    """A short name for a content, the same in every process."""
    return blake2b(content, digest_size=16).digest()
