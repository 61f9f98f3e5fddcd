"""Disks that fail on demand, for the store's tests. They wrap the real one."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from veristack_lab.veristore.disk import RealDisk, RealFile, RealLock

_MEMORY = Path("/dev/shm")


@contextmanager
def quick_folder() -> Iterator[Path]:
    """A temporary folder in memory where there is one: for laws that no disk can change."""
    where = _MEMORY if os.access(_MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=where) as name:
        yield Path(name)


CHANGING = frozenset(
    {"create", "pwrite", "truncate", "fdatasync", "rename", "unlink", "fsync_dir", "make_dir"}
)
"""Operations after which the disk is not as it was."""


class PowerCut(BaseException):
    """The process ends here. No `except Exception` of the code under test may stop it."""


class WatchedDisk(RealDisk):
    """A real disk that reports every changing operation, before it happens, to `watch`."""

    def __init__(self, watch: Callable[[str, str], None]) -> None:
        self._watch = watch

    def open(self, path: Path, *, create: bool = False) -> Any:
        if create:
            self._watch("create", path.name)
        return _WatchedFile(super().open(path, create=create), self._watch)

    def make_dir(self, path: Path) -> None:
        if not path.is_dir():
            self._watch("make_dir", path.name)
        super().make_dir(path)

    def rename(self, old: Path, new: Path) -> None:
        self._watch("rename", new.name)
        super().rename(old, new)

    def unlink(self, path: Path) -> None:
        self._watch("unlink", path.name)
        super().unlink(path)

    def fsync_dir(self, path: Path) -> None:
        self._watch("fsync_dir", path.name)
        super().fsync_dir(path)


class _WatchedFile:
    def __init__(self, file: RealFile, watch: Callable[[str, str], None]) -> None:
        self._file, self._watch = file, watch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def append(self, data: bytes) -> int:
        offset = self._file.size()
        self.pwrite(data, offset)
        return offset

    def pwrite(self, data: bytes, offset: int) -> None:
        try:
            self._watch("pwrite", self._file.path.name)
        except (OSError, PowerCut):
            # a write that fails, or is cut, may have come half way
            self._file.pwrite(data[: len(data) // 2], offset)
            raise
        self._file.pwrite(data, offset)

    def truncate(self, size_bytes: int) -> None:
        self._watch("truncate", self._file.path.name)
        self._file.truncate(size_bytes)

    def fdatasync(self) -> None:
        self._watch("fdatasync", self._file.path.name)
        self._file.fdatasync()


class RecordingDisk(WatchedDisk):
    """Keeps the list of changing operations."""

    def __init__(self) -> None:
        self.operations: list[tuple[str, str]] = []
        super().__init__(lambda operation, name: self.operations.append((operation, name)))


class FailingDisk(WatchedDisk):
    """Fails every operation of one kind while `armed`."""

    def __init__(self, operation: str, number: int = errno.EIO) -> None:
        assert operation in CHANGING
        self.armed = False
        self.failures = 0

        def watch(found: str, name: str) -> None:
            if self.armed and found == operation:
                self.failures += 1
                raise OSError(number, os.strerror(number), name)

        super().__init__(watch)


class CutDisk(WatchedDisk):
    """The process dies at the nth changing operation: it and all later ones do not happen."""

    def __init__(self, at: int) -> None:
        self.count = 0
        self._locks: list[RealLock] = []

        def watch(operation: str, name: str) -> None:
            self.count += 1
            if self.count >= at:
                raise PowerCut(f"{operation} {name}")

        super().__init__(watch)

    def lock(self, path: Path) -> RealLock:
        self._locks.append(super().lock(path))
        return self._locks[-1]

    def die(self) -> None:
        """What the system does for a dead process: drop its locks."""
        for lock in self._locks:
            lock.release()


def index_of(operations: Sequence[tuple[str, str]], operation: str, name: str) -> int:
    """Position of the first such operation."""
    return list(operations).index((operation, name))
