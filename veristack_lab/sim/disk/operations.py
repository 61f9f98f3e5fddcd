"""One line of a simulated disk's operation log."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Operation:
    """One operation that changed the disk. Reads are not logged: they change nothing."""

    index: int
    kind: str
    """create, pwrite, truncate, fdatasync, rename, unlink, fsync_dir, make_dir; and
    fdatasync-failed, which marks pages clean that the disk does not have."""
    path: str
    inode: int = field(default=0, repr=False)
    offset: int = 0
    size_bytes: int = 0
    """Size of the data; for truncate, the new length."""
    data: bytes = field(default=b"", repr=False)
    target: str = ""
    """The new name, for rename."""
    landed: tuple[int, bytes] | None = field(default=None, repr=False)
    """Offset and data that the device got instead, if a fault was at work."""

    @property
    def name(self) -> str:
        """The file's own name."""
        return Path(self.path).name

    def __str__(self) -> str:
        if self.kind == "pwrite":
            return f"pwrite {self.name} [{self.offset}:{self.offset + self.size_bytes}]"
        if self.kind == "truncate":
            return f"truncate {self.name} to {self.size_bytes}"
        if self.kind == "rename":
            return f"rename {self.name} to {Path(self.target).name}"
        return f"{self.kind} {self.name}"
