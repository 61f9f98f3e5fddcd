"""The only access of veristore to the disk.

Every byte goes through a `Disk`: the real one here, a simulated one where the power can be
cut between any two bytes, a faulty one in the tests. Nothing else in veristore opens a file.

What the protocol promises is what a careful program may assume of a POSIX disk, and no more:
data is durable after `File.fdatasync`, a name (made, renamed or removed) after `fsync_dir` of
its folder. Methods raise `OSError` as the system does; the layers above turn it into errors
of the lab.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from veristack_lab.errors import StoreLocked
from veristack_lab.veristore import forks

Bytes = bytes | bytearray | memoryview


class File(Protocol):
    """One open file."""

    def pwrite(self, data: Bytes, offset: int) -> None:
        """Write all of `data` at the offset; the file grows as needed."""

    def append(self, data: Bytes) -> int:
        """Write all of `data` at the end; the offset it went to."""

    def read(self, offset: int, size_bytes: int) -> bytes:
        """Up to `size_bytes` from the offset; fewer only at the end of the file."""

    def size(self) -> int:
        """Length in bytes."""

    def truncate(self, size_bytes: int) -> None:
        """Cut (or extend with zeros) to a length."""

    def fdatasync(self) -> None:
        """Return when the data, and the length needed to read it, are on stable storage."""

    def close(self) -> None:
        """Give the handle back. Says nothing about durability."""


class Lock(Protocol):
    """A held lock file."""

    def release(self) -> None:
        """Release it. Safe to call again."""


class Disk(Protocol):
    """Files and names under folders."""

    def open(self, path: Path, *, create: bool = False) -> File:
        """Open for reading and writing. With `create` the file must not exist yet."""

    def exists(self, path: Path) -> bool:
        """Whether the name exists, as a file or a folder."""

    def is_dir(self, path: Path) -> bool:
        """Whether the name is a folder."""

    def make_dir(self, path: Path) -> None:
        """Make a folder and its parents, durably; one that exists is left alone."""

    def listdir(self, path: Path) -> Sequence[str]:
        """Names in a folder, sorted."""

    def rename(self, old: Path, new: Path) -> None:
        """Rename a file within its folder, replacing any file of that name."""

    def unlink(self, path: Path) -> None:
        """Remove a name."""

    def fsync_dir(self, path: Path) -> None:
        """Return when every name made, changed or removed in the folder is durable."""

    def lock(self, path: Path) -> Lock:
        """Take the lock file for this process.

        Raises:
            StoreLocked: another process holds it; the message names that process.
        """


class RealFile:
    """A file of the operating system. Interrupted calls are retried by Python (PEP 475)."""

    def __init__(self, path: Path, flags: int) -> None:
        self.path = path
        self._fd = os.open(path, flags | os.O_CLOEXEC, 0o644)

    def __repr__(self) -> str:
        return f"<RealFile {self.path.name}>"

    def pwrite(self, data: Bytes, offset: int) -> None:
        written = os.pwrite(self._fd, data, offset)
        if written != len(data):
            self._write_rest(memoryview(data)[written:], offset + written)

    def _write_rest(self, rest: memoryview, offset: int) -> None:
        # A short write is not an error: if there is a cause, the next write reports it.
        while rest:
            written = os.pwrite(self._fd, rest, offset)
            if written == 0:
                raise OSError(errno.EIO, "the disk takes no more bytes", str(self.path))
            rest, offset = rest[written:], offset + written

    def append(self, data: Bytes) -> int:
        offset = self.size()
        self.pwrite(data, offset)
        return offset

    def read(self, offset: int, size_bytes: int) -> bytes:
        parts = []
        while size_bytes > 0:
            part = os.pread(self._fd, size_bytes, offset)
            if not part:
                break
            parts.append(part)
            offset, size_bytes = offset + len(part), size_bytes - len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def size(self) -> int:
        return os.fstat(self._fd).st_size

    def truncate(self, size_bytes: int) -> None:
        os.ftruncate(self._fd, size_bytes)

    def fdatasync(self) -> None:
        os.fdatasync(self._fd)

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


class RealLock:
    """flock(2) on a file that holds the owner's pid; the kernel drops it when the owner dies.

    The lock belongs to the open file, and a fork inherits that: the kernel keeps the lock until
    every copy of the descriptor is closed, or until one process unlocks it. So the owner unlocks
    before it closes, and a fork of the owner closes its copy without unlocking.
    """

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._fd, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(self._fd)
            raise StoreLocked(
                f"{path.parent} is open in process {holder}"
                f"{' (this one)' if holder == str(os.getpid()) else ''}. "
                "Close it there, or open another path."
            ) from None
        except OSError:
            os.close(self._fd)
            raise
        forks.own(self)
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            # Emptied while still held: a stale pid would name an unrelated process.
            with suppress(OSError):
                os.ftruncate(fd, 0)
            with suppress(OSError):  # closing unlocks too, if no fork has a copy
                fcntl.flock(fd, fcntl.LOCK_UN)
            os.close(fd)

    def disown(self) -> None:
        """Close the copy of the lock that a fork inherited; the owner keeps the lock."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


class RealDisk:
    """The file system of the machine."""

    def __repr__(self) -> str:
        return "RealDisk()"

    def open(self, path: Path, *, create: bool = False) -> RealFile:
        return RealFile(path, os.O_RDWR | (os.O_CREAT | os.O_EXCL if create else 0))

    def exists(self, path: Path) -> bool:
        return path.exists()

    def is_dir(self, path: Path) -> bool:
        return path.is_dir()

    def make_dir(self, path: Path) -> None:
        if path.is_dir():
            return
        self.make_dir(path.parent)
        path.mkdir(exist_ok=True)
        self.fsync_dir(path.parent)

    def listdir(self, path: Path) -> list[str]:
        return sorted(entry.name for entry in path.iterdir())

    def rename(self, old: Path, new: Path) -> None:
        old.rename(new)

    def unlink(self, path: Path) -> None:
        path.unlink()

    def fsync_dir(self, path: Path) -> None:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def lock(self, path: Path) -> RealLock:
        return RealLock(path)
