"""A disk in memory whose power can be cut at any moment.

`SimDisk` implements `veristore.disk.Disk`. It logs every operation that changes something
(`operations`), and knows for each file and folder what is durable and what is only cached.
`images` lists what a power cut at this moment may leave, `crash` makes one of it.

**The model.** A cut may leave nothing that POSIX rules out: what `fdatasync` or `fsync_dir`
covered is there, byte for byte. Of the rest:

- each unsynced 512-byte sector is as before or as any later write made it, on its own;
- a file's length travels apart from its data: data without length, length without data;
- a sector that was allocated and not written reads as zeros, garbage, or as a deleted file;
- the write under way may be torn at any byte;
- each unsynced folder operation took place or not, as a whole; those of one name in order;
- syncing a file says nothing about its name, and the other way round.

A sector with synced bytes that is written again keeps them whichever version survives, as
SQLite assumes by default too ("powersafe overwrite"). Sources: Pillai et al., "All File
Systems Are Not Created Equal" (ALICE), OSDI 2014, for what file systems reorder and tear;
Rebello et al., "Can Applications Recover from fsync Failures?", ATC 2020, for failed syncs.

One process, one thread at a time. Locks are released by a crash.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

from veristack_lab.errors import StoreLocked
from veristack_lab.sim.clocks import SimClock
from veristack_lab.sim.disk.crash import choose
from veristack_lab.sim.disk.faults import Fault, FaultKind, make_fault
from veristack_lab.sim.disk.images import Images
from veristack_lab.sim.disk.inode import FileState, FolderState, digest
from veristack_lab.sim.disk.operations import Operation
from veristack_lab.veristore.disk import Bytes

ROOT = 1
_FREED_KEPT = 4
"""Deleted files whose content may turn up in new ones."""


class SimFile:
    """One open file of a `SimDisk`. Implements `veristore.disk.File`."""

    def __init__(self, disk: SimDisk, path: Path, inode: int) -> None:
        self._opened_as = path
        self._disk = disk
        self._inode = inode
        self._open = True

    def __repr__(self) -> str:
        return f"<SimFile {self.path.name}>"

    @property
    def path(self) -> Path:
        """Where the file is now; it may have been renamed while it was open."""
        return self._disk.renamed.get(self._inode, self._opened_as)

    def pwrite(self, data: Bytes, offset: int) -> None:
        """See `File.pwrite`."""
        self._check()
        self._disk.do_write(self.path, self._inode, bytes(data), offset)

    def append(self, data: Bytes) -> int:
        """See `File.append`."""
        offset = self.size()
        self.pwrite(data, offset)
        return offset

    def read(self, offset: int, size_bytes: int) -> bytes:
        """See `File.read`."""
        self._check()
        self._disk.strike("read", self.path)
        return self._disk.content(self._inode)[offset : offset + size_bytes]

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
        fault = self._disk.strike("fdatasync", self.path)
        if fault is not None and fault.kind == "sync-error":
            self._disk.do("fdatasync-failed", self.path, self._inode)
            raise _error(errno.EIO, self.path)
        self._disk.do("fdatasync", self.path, self._inode)

    def close(self) -> None:
        """See `File.close`."""
        self._open = False

    def _check(self) -> None:
        if not self._open:
            raise _error(errno.EBADF, self.path)


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


class SimDisk:
    """A simulated disk.

    Args:
        seed: of the garbage in sectors that were never written.
        clock: moved by latency faults.
    """

    def __init__(self, seed: int = 0, clock: SimClock | None = None) -> None:
        self.seed = seed
        self.clock = clock or SimClock()
        self.operations: list[Operation] = []
        self.files: dict[int, FileState] = {}
        """By inode number; the states are values, never changed."""
        self.folders: dict[int, FolderState] = {ROOT: FolderState({}, {})}
        self.freed: tuple[bytes, ...] = ()
        """Contents of files that are durably gone, newest first."""
        self.renamed: dict[int, Path] = {}
        """The newest name of each file that was renamed, by inode number."""
        self._next_inode = ROOT + 1
        self._locks: set[str] = set()
        self._faults: list[Fault] = []

    def __repr__(self) -> str:
        return f"<SimDisk {len(self.files)} files, {len(self.operations)} operations>"

    # ------------------------------------------------------- the Disk protocol

    def open(self, path: Path, *, create: bool = False) -> SimFile:
        """See `Disk.open`."""
        folder = self._folder_of(path)
        inode = self.folders[folder].cached.get(path.name, 0)
        if create:
            if inode:
                raise _error(errno.EEXIST, path)
            fault = self.strike("create", path)
            if fault is not None and fault.kind == "no-space":
                raise _error(errno.ENOSPC, path)
            inode = self._next_inode
            self.do("create", path, inode)
        elif not inode:
            raise _error(errno.ENOENT, path)
        elif inode in self.folders:
            raise _error(errno.EISDIR, path)
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
            raise _error(errno.EEXIST, path)
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
            raise _error(errno.EXDEV, new)
        if old.name not in names:
            raise _error(errno.ENOENT, old)
        if names.get(new.name, 0) in self.folders and names[old.name] in self.files:
            raise _error(errno.EISDIR, new)
        self.strike("rename", old)
        self.do("rename", old, names[old.name], target=str(new))
        self.renamed[names[old.name]] = new

    def unlink(self, path: Path) -> None:
        """See `Disk.unlink`."""
        inode = self.folders[self._folder_of(path)].cached.get(path.name, 0)
        if not inode:
            raise _error(errno.ENOENT, path)
        if inode in self.folders:
            raise _error(errno.EISDIR, path)
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

    # ------------------------------------------------------------- power cuts

    def clone(self) -> SimDisk:
        """An independent copy, open locks and waiting faults included. Cheap."""
        copy = SimDisk(self.seed, self.clock)
        copy.operations = self.operations.copy()
        copy.files, copy.folders = self.files.copy(), self.folders.copy()
        copy.freed, copy._next_inode = self.freed, self._next_inode
        copy.renamed, copy._locks = self.renamed.copy(), self._locks.copy()
        copy._faults = [replace(fault) for fault in self._faults]
        return copy

    def images(self, limit: int = 256, *, byte_cuts: int | None = 4) -> Images:
        """What a power cut at this moment may leave.

        Args:
            limit: up to so many legal images all are given; of more, the telling ones and
                a seeded sample.
            byte_cuts: at so many bytes the write under way is torn; None: at every byte.
        """
        return Images(self, limit, byte_cuts)

    def crash(self, policy: str = "any", seed: int = 0) -> SimDisk:
        """The disk as some legal power cut would leave it: one of `POLICIES`, by a seed.

        Raises:
            InvalidInput: there is no such policy.
        """
        return self.image(self.choose(policy, seed))

    def choose(self, policy: str = "any", seed: int = 0) -> str:
        """The choice that `crash` would make. Raises `InvalidInput`."""
        return choose(self, policy, seed)

    def image(self, choice: str) -> SimDisk:
        """The disk that a choice (`Image.choice`) describes; all of it is durable."""
        return Images(self, 1, None).build(choice)

    def after_kill(self) -> SimDisk:
        """The disk after the death of the process alone: the page cache lives on."""
        copy = self.clone()
        copy.operations, copy._locks, copy._faults = [], set(), []
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
        """Let something go wrong from now on (see `faults`).

        Args:
            kind: what.
            path: shell pattern of the names of the files it happens to.
            skip: how many operations it lets pass first.
            times: how often it happens; None: always.
            latency_s: for kind "latency".

        Raises:
            InvalidInput: there is no such kind, or a number is negative.
        """
        self._faults.append(make_fault(kind, path, skip, times, latency_s))

    @property
    def has_faults(self) -> bool:
        """Whether a fault still waits for its turn."""
        return any(fault.times != 0 for fault in self._faults)

    def heal(self) -> None:
        """Take back all faults that still wait. What they did stays."""
        self._faults.clear()

    def strike(self, operation: str, path: Path) -> Fault | None:
        """The fault that meets this operation, if any. Raises what needs no bookkeeping."""
        struck = None
        for fault in self._faults:
            if fault.strikes(operation, path.name):
                if fault.kind == "latency":
                    self.clock.advance(fault.latency_s)
                elif fault.kind == "read-error":
                    raise _error(errno.EIO, path)
                else:
                    struck = struck or fault
        return struck

    def do_write(self, path: Path, inode: int, data: bytes, offset: int) -> None:
        """Write, with the faults that meet the write."""
        fault = self.strike("pwrite", path)
        kind = fault.kind if fault is not None else ""
        if kind in ("short-write", "no-space"):
            half = len(data) // 2
            self.do("pwrite", path, inode, offset=offset, data=data[:half])
            if kind == "no-space":
                raise _error(errno.ENOSPC, path)
            data, offset = data[half:], offset + half
        landed = _landing(kind, data, offset)
        self.do("pwrite", path, inode, offset=offset, data=data, landed=landed)

    # ---------------------------------------------------------------- the log

    def do(
        self,
        kind: str,
        path: Path,
        inode: int,
        *,
        offset: int = 0,
        data: bytes = b"",
        size_bytes: int | None = None,
        target: str = "",
        landed: tuple[int, bytes] | None = None,
    ) -> None:
        """Log one operation and do it."""
        size = len(data) if size_bytes is None else size_bytes
        index = len(self.operations)
        self.apply(Operation(index, kind, str(path), inode, offset, size, data, target, landed))

    def apply(self, operation: Operation) -> None:
        """Do an operation of this disk's log, or of that of a disk with the same past."""
        self.operations.append(operation)
        kind, inode = operation.kind, operation.inode
        if kind == "pwrite":
            state = self.files[inode]
            self.files[inode] = state.written(operation.offset, operation.data, operation.landed)
        elif kind == "fdatasync":
            self.files[inode] = self.files[inode].synced()
        elif kind == "fdatasync-failed":
            self.files[inode] = self.files[inode].sync_failed()
        elif kind == "truncate":
            self.files[inode] = self.files[inode].truncated(operation.size_bytes)
        elif kind == "fsync_dir":
            self._sync_folder(inode)
        else:
            self._apply_naming(operation)

    def _apply_naming(self, operation: Operation) -> None:
        path, inode = Path(operation.path), operation.inode
        parent = self._folder_of(path)
        folder = self.folders[parent]
        if operation.kind == "rename":
            folder = folder.rebound((path.name, 0), (Path(operation.target).name, inode))
        elif operation.kind == "unlink":
            folder = folder.rebound((path.name, 0))
        else:
            if operation.kind == "make_dir":
                self.folders[inode] = FolderState({}, {})
            else:
                self.files[inode] = FileState()
            self._next_inode = max(self._next_inode, inode + 1)
            folder = folder.rebound((path.name, inode))
        self.folders[parent] = folder

    def _sync_folder(self, inode: int) -> None:
        before = self.folders[inode]
        self.folders[inode] = before.synced()
        alive = set(before.cached.values())
        gone = [number for number in before.durable.values() if number not in alive]
        contents = [self.files[number].durable for number in gone if number in self.files]
        fresh = tuple(content for content in reversed(contents) if content)
        self.freed = (fresh + self.freed)[:_FREED_KEPT]

    # ------------------------------------------------------------- looking in

    def content(self, inode: int) -> bytes:
        """The cached content of a file."""
        return self.files[inode].cached

    def paths(self, folder: int = ROOT, at: str = "") -> dict[str, int]:
        """Every path and its inode, as cached, in byte order within a folder."""
        found = {}
        for name, inode in sorted(self.folders[folder].cached.items()):
            found[f"{at}/{name}"] = inode
            if inode in self.folders:
                found.update(self.paths(inode, f"{at}/{name}"))
        return found

    def folder_sizes(self, path: Path) -> list[int]:
        """Lengths of the files in a folder; empty if there is none."""
        inode = self._find(path)
        if inode not in self.folders:
            return []
        children = self.folders[inode].cached.values()
        return [len(self.files[child].cached) for child in children if child in self.files]

    def tree_digest(self) -> bytes:
        """A short name for all cached names and contents, the same in every process."""
        whole = blake2b(digest_size=16)
        for path, inode in self.paths().items():
            whole.update(path.encode() + b"\0")
            if inode in self.files:
                whole.update(digest(self.files[inode].cached))
        return whole.digest()

    def trace_hash(self) -> str:
        """A short name for the log of operations, the same in every process."""
        whole = blake2b(digest_size=16)
        for each in self.operations:
            line = (each.kind, each.path, each.offset, each.size_bytes, each.target)
            whole.update(repr(line).encode() + digest(each.data))
        return whole.hexdigest()

    def restore(
        self, files: Mapping[int, bytes], folders: Mapping[int, Mapping[str, int]]
    ) -> SimDisk:
        """A disk that holds exactly this, all of it durable, and no history."""
        disk = SimDisk(self.seed, self.clock)
        disk.files = {inode: FileState(content, content) for inode, content in files.items()}
        disk.folders = {inode: FolderState(names, names) for inode, names in folders.items()}
        disk.freed, disk._next_inode = self.freed, self._next_inode
        return disk

    def _find(self, path: Path) -> int:
        """Inode of a path, 0 if there is none."""
        inode = ROOT
        for name in path.parts[1:]:
            folder = self.folders.get(inode)
            inode = folder.cached.get(name, 0) if folder is not None else 0
            if not inode:
                return 0
        return inode

    def _folder(self, path: Path) -> int:
        inode = self._find(path)
        if inode in self.folders:
            return inode
        raise _error(errno.ENOTDIR if inode else errno.ENOENT, path)

    def _folder_of(self, path: Path) -> int:
        inode = self._find(path.parent)
        if inode in self.folders:
            return inode
        raise _error(errno.ENOTDIR if inode else errno.ENOENT, path)


def _landing(kind: str, data: bytes, offset: int) -> tuple[int, bytes] | None:
    """What the device does with a write under a fault; None: what it was told."""
    if kind == "lost-write":
        return offset, b""
    if kind == "misdirected-write":
        return max(0, offset - 512), data
    if kind == "bit-flip" and data:
        middle = len(data) // 2
        return offset, data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
    return None


def _error(number: int, path: Path) -> OSError:
    return OSError(number, os.strerror(number), str(path))
