"""Open files and locks of a simulated disk."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Protocol

from veristack_lab.sim.disk.content import Content
from veristack_lab.veristore.disk import Bytes


class Calls(Protocol):
    """What an open file needs from its disk."""

    renamed: dict[int, Path]

    def content(self, inode: int) -> Content:
        """What a file holds."""

    def do(self, kind: str, path: Path, inode: int, *, size_bytes: int | None = None) -> None:
        """Log one operation and do it."""

    def read(self, path: Path, inode: int, offset: int, size_bytes: int) -> bytes:
        """Read, with the faults that meet it."""

    def write(self, path: Path, inode: int, data: bytes, offset: int) -> None:
        """Write, with the faults that meet it."""

    def sync(self, path: Path, inode: int) -> None:
        """Sync, with the faults that meet it."""


class SimFile:
    """One open file of a `SimDisk`. Implements `veristore.disk.File`."""

    def __init__(self, disk: Calls, path: Path, inode: int) -> None:
        self._opened_as = path
        self._disk = disk
        self._inode = inode
        self._open = True

    def __repr__(self) -> str:
        return f"<SimFile {self.path.name}>"

    @property
    def path(self) -> Path:
        """The file's present path; it may have been renamed while it was open."""
        return self._disk.renamed.get(self._inode, self._opened_as)

    def pwrite(self, data: Bytes, offset: int) -> None:
        """See `File.pwrite`."""
        self._check()
        self._disk.write(self.path, self._inode, bytes(data), offset)

    def append(self, data: Bytes) -> int:
        """See `File.append`."""
        offset = self.size()
        self.pwrite(data, offset)
        return offset

    def read(self, offset: int, size_bytes: int) -> bytes:
        """See `File.read`."""
        self._check()
        return self._disk.read(self.path, self._inode, offset, size_bytes)

    def size(self) -> int:
        """See `File.size`."""
        self._check()
        return len(self._disk.content(self._inode))

    def truncate(self, size_bytes: int) -> None:
        """See `File.truncate`."""
        self._check()
        self._disk.do("truncate", self.path, self._inode, size_bytes=size_bytes)

    def fdatasync(self) -> None:
        """See `File.fdatasync`."""
        self._check()
        self._disk.sync(self.path, self._inode)

    def close(self) -> None:
        """See `File.close`."""
        self._open = False

    def _check(self) -> None:
        if not self._open:
            raise os_error(errno.EBADF, self.path)


class SimLock:
    """A lock file of a `SimDisk`."""

    def __init__(self, locks: set[str], path: str) -> None:
        self._locks = locks
        self._path: str | None = path
        locks.add(path)

    def release(self) -> None:
        """See `Lock.release`."""
        if self._path is not None:
            self._locks.discard(self._path)
            self._path = None


def os_error(number: int, path: Path) -> OSError:
    """What an operating system would raise."""
    return OSError(number, os.strerror(number), str(path))
