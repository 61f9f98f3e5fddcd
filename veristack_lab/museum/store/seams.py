"""Wrappers of a disk and a file, for exhibits that omit some of their operations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from veristack_lab.veristore.disk import Bytes, Disk, File, Lock


class FileBefore:
    """Passes every call on. Implements `veristore.disk.File`."""

    def __init__(self, behind: File) -> None:
        self.behind = behind

    def pwrite(self, data: Bytes, offset: int) -> None:
        """See `File.pwrite`."""
        self.behind.pwrite(data, offset)

    def append(self, data: Bytes) -> int:
        """See `File.append`."""
        return self.behind.append(data)

    def read(self, offset: int, size_bytes: int) -> bytes:
        """See `File.read`."""
        return self.behind.read(offset, size_bytes)

    def size(self) -> int:
        """See `File.size`."""
        return self.behind.size()

    def truncate(self, size_bytes: int) -> None:
        """See `File.truncate`."""
        self.behind.truncate(size_bytes)

    def fdatasync(self) -> None:
        """See `File.fdatasync`."""
        self.behind.fdatasync()

    def close(self) -> None:
        """See `File.close`."""
        self.behind.close()


class DiskBefore:
    """Passes every call on. Implements `veristore.disk.Disk`."""

    def __init__(self, behind: Disk) -> None:
        self.behind = behind

    def open(self, path: Path, *, create: bool = False) -> File:
        """See `Disk.open`."""
        return self.behind.open(path, create=create)

    def exists(self, path: Path) -> bool:
        """See `Disk.exists`."""
        return self.behind.exists(path)

    def is_dir(self, path: Path) -> bool:
        """See `Disk.is_dir`."""
        return self.behind.is_dir(path)

    def make_dir(self, path: Path) -> None:
        """See `Disk.make_dir`."""
        self.behind.make_dir(path)

    def listdir(self, path: Path) -> Sequence[str]:
        """See `Disk.listdir`."""
        return self.behind.listdir(path)

    def rename(self, old: Path, new: Path) -> None:
        """See `Disk.rename`."""
        self.behind.rename(old, new)

    def unlink(self, path: Path) -> None:
        """See `Disk.unlink`."""
        self.behind.unlink(path)

    def fsync_dir(self, path: Path) -> None:
        """See `Disk.fsync_dir`."""
        self.behind.fsync_dir(path)

    def lock(self, path: Path) -> Lock:
        """See `Disk.lock`."""
        return self.behind.lock(path)
