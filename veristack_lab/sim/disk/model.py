"""A disk in memory: files and folders, what is durable of them, and a log of what was done.

`DiskModel` implements `veristore.disk.Disk`. It knows for each file and folder what a sync has
covered; `simdisk` decides what a power cut makes of the rest.

One process, one thread at a time. Locks are released by a crash.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

from veristack_lab.errors import InvalidInput, StoreLocked
from veristack_lab.sim.disk.content import Content
from veristack_lab.sim.disk.faults import Fault, FaultKind, Faults, make_fault
from veristack_lab.sim.disk.handles import SimFile, SimLock, os_error
from veristack_lab.sim.disk.inode import FileState, FolderState
from veristack_lab.sim.disk.state import DiskState


class DiskModel(DiskState):
    """A simulated disk, as its user sees it.

    Args:
        seed: decides the garbage in sectors that were never written.
        delay: lets time pass by some seconds, for latency faults; `SimClock.advance` is one.
        history: whether `operations` keeps them all, or only the newest.
    """

    def __init__(
        self,
        seed: int = 0,
        delay: Callable[[float], None] | None = None,
        *,
        history: bool = True,
    ) -> None:
        super().__init__(seed, history=history)
        self.delay = delay
        self.renamed: dict[int, Path] = {}
        """The newest name of each file that was renamed, by inode number."""
        self._locks: set[str] = set()
        self._faults = Faults()

    # ------------------------------------------------------- the Disk protocol

    def open(self, path: Path, *, create: bool = False) -> SimFile:
        """See `Disk.open`."""
        folder = self._folder_of(path)
        inode = self.folders[folder].cached.get(path.name, 0)
        if create:
            if inode:
                raise os_error(errno.EEXIST, path)
            fault = self.strike("create", path)
            if fault is not None and fault.kind == "no-space":
                raise os_error(errno.ENOSPC, path)
            inode = self._next_inode
            self.do("create", path, inode)
        elif not inode:
            raise os_error(errno.ENOENT, path)
        elif inode in self.folders:
            raise os_error(errno.EISDIR, path)
        return SimFile(self, path, inode)

    def exists(self, path: Path) -> bool:
        """See `Disk.exists`."""
        return bool(self._find(path))

    def is_dir(self, path: Path) -> bool:
        """See `Disk.is_dir`."""
        return self._find(path) in self.folders

    def make_dir(self, path: Path) -> None:
        """See `Disk.make_dir`."""
        inode = self._find(path)
        if inode in self.folders:
            return
        if inode:
            raise os_error(errno.EEXIST, path)
        self.make_dir(path.parent)
        self.do("make_dir", path, self._next_inode)
        self.fsync_dir(path.parent)

    def listdir(self, path: Path) -> list[str]:
        """See `Disk.listdir`."""
        return sorted(self.folders[self._folder(path)].cached)

    def rename(self, old: Path, new: Path) -> None:
        """See `Disk.rename`."""
        names = self.folders[self._folder_of(old)].cached
        if old.parent != new.parent:
            raise os_error(errno.EXDEV, new)
        if old.name not in names:
            raise os_error(errno.ENOENT, old)
        if names.get(new.name, 0) in self.folders and names[old.name] in self.files:
            raise os_error(errno.EISDIR, new)
        self.strike("rename", old)
        self.do("rename", old, names[old.name], target=str(new))
        self.renamed[names[old.name]] = new

    def unlink(self, path: Path) -> None:
        """See `Disk.unlink`."""
        inode = self.folders[self._folder_of(path)].cached.get(path.name, 0)
        if not inode:
            raise os_error(errno.ENOENT, path)
        if inode in self.folders:
            raise os_error(errno.EISDIR, path)
        self.strike("unlink", path)
        self.do("unlink", path, inode)

    def fsync_dir(self, path: Path) -> None:
        """See `Disk.fsync_dir`."""
        inode = self._folder(path)
        self.strike("fsync_dir", path)
        self.do("fsync_dir", path, inode)

    def lock(self, path: Path) -> SimLock:
        """See `Disk.lock`."""
        if str(path) in self._locks:
            raise StoreLocked(f"{path.parent} is open already on this simulated disk; close it")
        if not self.exists(path):
            self.do("create", path, self._next_inode)
        return SimLock(self._locks, str(path))

    # ------------------------------------------------------------------ copies

    def clone(self) -> Self:
        """An independent copy, open locks and waiting faults included. Cheap."""
        copy = type(self)(self.seed, self.delay, history=self.keeps_history)
        copy.operations, copy.done = self.operations.copy(), self.done
        copy.files, copy.folders = self.files.copy(), self.folders.copy()
        copy.freed, copy._next_inode = self.freed, self._next_inode
        copy.renamed, copy._locks = self.renamed.copy(), self._locks.copy()
        copy._faults = self._faults.copy()
        return copy

    def restore(
        self, files: Mapping[int, Content], folders: Mapping[int, Mapping[str, int]]
    ) -> Self:
        """A disk that holds exactly this, all of it durable, and no history."""
        disk = type(self)(self.seed, self.delay, history=self.keeps_history)
        disk.files = {inode: FileState.at_rest(content) for inode, content in files.items()}
        disk.folders = {inode: FolderState(names, names) for inode, names in folders.items()}
        disk.freed, disk._next_inode = self.freed, self._next_inode
        return disk

    def after_kill(self) -> Self:
        """The disk after the death of the process alone: the page cache lives on."""
        copy = self.clone()
        copy.operations, copy.done, copy._locks, copy._faults = [], 0, set(), Faults()
        return copy

    # ------------------------------------------------------------------ faults

    def fail(
        self,
        kind: FaultKind,
        path: str = "*",
        *,
        skip: int = 0,
        times: int | None = 1,
        latency_s: float = 0.0,
    ) -> None:
        """Inject a fault from now on (see `faults`).

        Args:
            kind: the kind of fault.
            path: shell pattern of the names of the files it happens to.
            skip: how many operations it lets pass first.
            times: how often it happens; None: always.
            latency_s: for kind "latency".

        Raises:
            InvalidInput: there is no such kind, a number is negative, or the disk was given no
                `delay` for its latency.
        """
        fault = make_fault(kind, path, skip, times, latency_s)
        if kind == "latency" and self.delay is None:
            raise InvalidInput("this disk has no clock; give it SimDisk(delay=clock.advance)")
        self._faults.add(fault)

    @property
    def has_faults(self) -> bool:
        """Whether a fault can still strike."""
        return self._faults.are_waiting

    def heal(self) -> None:
        """Remove all faults that can still strike. Their past effects stay."""
        self._faults.clear()

    def strike(self, operation: str, path: Path) -> Fault | None:
        """The fault that meets this operation, if any. Raises what needs no bookkeeping."""
        if not self._faults:
            return None
        struck = None
        for fault in self._faults.striking(operation, path.name):
            if fault.kind == "latency" and self.delay is not None:
                self.delay(fault.latency_s)
            elif fault.kind == "read-error":
                raise os_error(errno.EIO, path)
            else:
                struck = struck or fault
        return struck

    def read(self, path: Path, inode: int, offset: int, size_bytes: int) -> bytes:
        """Read from an open file, with the faults that meet it."""
        self.strike("read", path)
        return self.content(inode)[offset : offset + size_bytes]

    def write(self, path: Path, inode: int, data: bytes, offset: int) -> None:
        """Write to an open file, with the faults that meet it."""
        fault = self.strike("pwrite", path)
        kind = fault.kind if fault is not None else ""
        if kind in ("short-write", "no-space"):
            half = len(data) // 2
            self.do("pwrite", path, inode, offset=offset, data=data[:half])
            if kind == "no-space":
                raise os_error(errno.ENOSPC, path)
            data, offset = data[half:], offset + half
        landed = _landing(kind, data, offset)
        self.do("pwrite", path, inode, offset=offset, data=data, landed=landed)

    def sync(self, path: Path, inode: int) -> None:
        """Sync an open file, with the faults that meet it."""
        fault = self.strike("fdatasync", path)
        if fault is not None and fault.kind == "sync-error":
            self.do("fdatasync-failed", path, inode)
            raise os_error(errno.EIO, path)
        self.do("fdatasync", path, inode)


def _landing(kind: str, data: bytes, offset: int) -> tuple[int, bytes] | None:
    """What the device does with a write under a fault; None: the write as it was asked for."""
    if kind == "lost-write":
        return offset, b""
    if kind == "misdirected-write":
        return max(0, offset - 512), data
    if kind == "bit-flip" and data:
        middle = len(data) // 2
        return offset, data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
    return None
