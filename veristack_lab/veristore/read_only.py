# ruff: noqa: ARG002 what is refused need not be looked at
"""A disk through which nothing can be changed, for read-only access.

It needs no right to write, so it works on a read-only file system, in a folder of
another user, and beside a process that writes. Every change raises the `OSError` of a read-only
file system, should a caller try one.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Never

from veristack_lab.veristore.disk import Bytes, Disk, File, Lock, RealDisk, RealFile

_CANNOT_SYNC = (errno.EROFS, errno.EINVAL, errno.ENOTSUP)
"""What the system answers if there is nothing to sync."""


def _refuse(path: Path) -> Never:
    raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))


class ReadOnlyFile:
    """One open file that can only be read. Implements `File`."""

    def __init__(self, file: File, path: Path) -> None:
        self._file = file
        self._path = path

    def __repr__(self) -> str:
        return f"<ReadOnlyFile {self._path.name}>"

    def pwrite(self, data: Bytes, offset: int) -> None:
        """Refused with `OSError`."""
        _refuse(self._path)

    def append(self, data: Bytes) -> int:
        """Refused with `OSError`."""
        _refuse(self._path)

    def truncate(self, size_bytes: int) -> None:
        """Refused with `OSError`."""
        _refuse(self._path)

    def read(self, offset: int, size_bytes: int) -> bytes:
        """See `File.read`."""
        return self._file.read(offset, size_bytes)

    def size(self) -> int:
        """See `File.size`."""
        return self._file.size()

    def fdatasync(self) -> None:
        """Make durable what another process wrote: syncing needs no right to write."""
        try:
            self._file.fdatasync()
        except OSError as cause:
            if cause.errno not in _CANNOT_SYNC:
                raise

    def close(self) -> None:
        """See `File.close`."""
        self._file.close()


class UnopenedFile(ReadOnlyFile):
    """What a log has for its newest segment when it was only read: a length, and no more."""

    def __init__(self, path: Path, size_bytes: int) -> None:
        self._path = path
        self._size_bytes = size_bytes

    def read(self, offset: int, size_bytes: int) -> bytes:
        """Always empty: a reader opens the segment itself."""
        return b""

    def size(self) -> int:
        """The length that was given."""
        return self._size_bytes

    def fdatasync(self) -> None:
        """Nothing was written."""

    def close(self) -> None:
        """Nothing is open."""


class NoLock:
    """What a store that is only read holds instead of a lock."""

    def release(self) -> None:
        """Nothing is held."""


class ReadOnlyDisk:
    """Another disk, without its changes. Implements `Disk`."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    def __repr__(self) -> str:
        return f"ReadOnlyDisk({self._disk!r})"

    def open(self, path: Path, *, create: bool = False) -> ReadOnlyFile:
        """See `Disk.open`; nothing is created."""
        if create:
            _refuse(path)
        if type(self._disk) is RealDisk:
            return ReadOnlyFile(RealFile(path, os.O_RDONLY), path)
        return ReadOnlyFile(self._disk.open(path), path)

    def exists(self, path: Path) -> bool:
        """See `Disk.exists`."""
        return self._disk.exists(path)

    def is_dir(self, path: Path) -> bool:
        """See `Disk.is_dir`."""
        return self._disk.is_dir(path)

    def listdir(self, path: Path) -> Sequence[str]:
        """See `Disk.listdir`."""
        return self._disk.listdir(path)

    def make_dir(self, path: Path) -> None:
        """Refused with `OSError`, unless the folder is there."""
        if not self._disk.is_dir(path):
            _refuse(path)

    def rename(self, old: Path, new: Path) -> None:
        """Refused with `OSError`."""
        _refuse(new)

    def unlink(self, path: Path) -> None:
        """Refused with `OSError`."""
        _refuse(path)

    def fsync_dir(self, path: Path) -> None:
        """Make names durable that another process made, where that can be done."""
        with suppress(PermissionError):  # a folder that may only be passed through
            try:
                self._disk.fsync_dir(path)
            except OSError as cause:
                if cause.errno not in _CANNOT_SYNC:
                    raise

    def lock(self, path: Path) -> Lock:
        """No lock: it would need a file to write, and would keep a writer from opening."""
        return NoLock()
