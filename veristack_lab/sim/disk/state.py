"""Files and folders of a disk in memory, what is durable of them, and the log of operations."""

from __future__ import annotations

import errno
from hashlib import blake2b
from pathlib import Path

from veristack_lab.errors import InvalidInput
from veristack_lab.sim.disk.content import Content
from veristack_lab.sim.disk.handles import os_error
from veristack_lab.sim.disk.inode import FileState, FolderState, digest
from veristack_lab.sim.disk.operations import Operation

ROOT = 1
_FREED_KEPT = 4
"""Deleted files whose content may turn up in new ones."""


class DiskState:
    """What a disk holds, and the operations that led to it.

    Args:
        seed: decides the garbage in sectors that were never written.
        history: whether every operation is kept. Without it only the newest one is, which is
            what a power cut needs, and a long run takes no more memory than its files.
    """

    def __init__(self, seed: int = 0, *, history: bool = True) -> None:
        self.seed = seed
        self.keeps_history = history
        self.operations: list[Operation] = []
        """Those since the disk was made or its process killed; without history, the newest."""
        self.done = 0
        """How many operations there were."""
        self.files: dict[int, FileState] = {}
        """By inode number; the states are values, never changed."""
        self.folders: dict[int, FolderState] = {ROOT: FolderState({}, {})}
        self.freed: tuple[Content, ...] = ()
        """Contents of files that are durably gone, newest first."""
        self._next_inode = ROOT + 1

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {len(self.files)} files, {self.done} operations>"

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
        self.apply(Operation(self.done, kind, str(path), inode, offset, size, data, target, landed))

    def apply(self, operation: Operation) -> None:
        """Do an operation of this disk's log, or of that of a disk with the same past."""
        if self.keeps_history:
            self.operations.append(operation)
        else:
            self.operations = [operation]
        self.done += 1
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

    def content(self, inode: int) -> Content:
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
                whole.update(self.files[inode].cached.digest())
        return whole.digest()

    def trace_hash(self) -> str:
        """A short name for the log of operations, the same in every process.

        Raises:
            InvalidInput: the disk keeps no history.
        """
        if not self.keeps_history:
            raise InvalidInput("this disk keeps no history; make it with SimDisk(history=True)")
        whole = blake2b(digest_size=16)
        for each in self.operations:
            line = (each.kind, each.path, each.offset, each.size_bytes, each.target)
            whole.update(repr(line).encode() + digest(each.data))
        return whole.hexdigest()

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
        raise os_error(errno.ENOTDIR if inode else errno.ENOENT, path)

    def _folder_of(self, path: Path) -> int:
        inode = self._find(path.parent)
        if inode in self.folders:
            return inode
        raise os_error(errno.ENOTDIR if inode else errno.ENOENT, path)
