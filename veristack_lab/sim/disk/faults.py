"""Faults of a disk on demand: what goes wrong, where, and how often.

    disk.fail("sync-error", path="log-*", skip=2)

    kind               from then on                                      the program sees
    read-error         a read finds a bad sector                         OSError EIO
    sync-error         fdatasync fails; its pages are marked clean       OSError EIO, once
    no-space           a write finds the disk full half way              OSError ENOSPC
    short-write        a write takes two goes; power may fail between    nothing
    bit-flip           one bit of a write reaches the platter inverted   nothing until a crash
    lost-write         a write never reaches the platter, sync says yes  nothing until a crash
    misdirected-write  a write lands one sector before its place         nothing until a crash
    latency            an operation takes long, on the simulated clock   only time

Frequencies in the field: silent corruption of 0.03 % of flash disks and 1.4 % of magnetic disks
a year, misdirected writes 0.02 % and 0.5 % (as TigerBeetle's safety notes cite them).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Literal, get_args

from veristack_lab.errors import InvalidInput

FaultKind = Literal[
    "read-error",
    "sync-error",
    "no-space",
    "short-write",
    "bit-flip",
    "lost-write",
    "misdirected-write",
    "latency",
]
KINDS: tuple[FaultKind, ...] = get_args(FaultKind)

_ON: dict[FaultKind, frozenset[str]] = {
    "read-error": frozenset({"read"}),
    "sync-error": frozenset({"fdatasync"}),
    "no-space": frozenset({"pwrite", "create"}),
    "short-write": frozenset({"pwrite"}),
    "bit-flip": frozenset({"pwrite"}),
    "lost-write": frozenset({"pwrite"}),
    "misdirected-write": frozenset({"pwrite"}),
    "latency": frozenset({"pwrite", "read", "fdatasync", "fsync_dir", "rename", "unlink"}),
}


@dataclass
class Fault:
    """One fault that waits for its turn."""

    kind: FaultKind
    path: str
    """Shell pattern of the file's name."""
    skip: int
    times: int | None
    """How often it strikes; None: always."""
    latency_s: float

    def strikes(self, operation: str, name: str) -> bool:
        """Whether it happens to this operation; counts down."""
        if operation not in _ON[self.kind] or not fnmatchcase(name, self.path):
            return False
        if self.times == 0:
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


class Faults:
    """The faults of one disk, each waiting for its turn."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, fault: Fault) -> None:
        """One more."""
        self._waiting.append(fault)

    def clear(self) -> None:
        """No more."""
        self._waiting.clear()

    def copy(self) -> Faults:
        """An independent copy."""
        copy = Faults()
        copy._waiting = [replace(fault) for fault in self._waiting]
        return copy

    @property
    def are_waiting(self) -> bool:
        """Whether a fault can still strike."""
        return any(fault.times != 0 for fault in self._waiting)

    def striking(self, operation: str, name: str) -> Iterator[Fault]:
        """The faults that strike this operation; each counts down."""
        return (fault for fault in self._waiting if fault.strikes(operation, name))


def make_fault(kind: FaultKind, path: str, skip: int, times: int | None, latency_s: float) -> Fault:
    """A fault from its description.

    Raises:
        InvalidInput: there is no such kind, or a number is negative.
    """
    if kind not in KINDS:
        raise InvalidInput(f"there is no fault {kind!r}; there are {', '.join(KINDS)}")
    if skip < 0 or latency_s < 0 or (times is not None and times < 1):
        raise InvalidInput(f"skip={skip}, times={times}, latency_s={latency_s}: too small")
    return Fault(kind, path, skip, times, latency_s)
