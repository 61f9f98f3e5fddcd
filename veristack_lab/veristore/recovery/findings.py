"""What reading a store's folder gave, before anything in it is changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from veristack_lab.veristore.disk import Disk, File
from veristack_lab.veristore.recovery.damage import Damage
from veristack_lab.veristore.recovery.replay import Values, may_delete, replay, without_deleted
from veristack_lab.veristore.wal import log as wal
from veristack_lab.veristore.wal.mutations import RecordType
from veristack_lab.veristore.wal.segment import SegmentHeader, Window

FIRST_LSN = 1
FIRST_EPOCH = 1


class Files(NamedTuple):
    """The store's own names in its folder."""

    snapshots: Sequence[int]
    """LSNs, ascending."""
    epochs: Sequence[int]
    """Epochs of the segments, ascending."""
    evidence: Sequence[str]
    """Damaged files that were put aside earlier."""
    temporary: Sequence[str]
    """Temporary files that never became part of the store."""


class Segment:
    """One file of the log, opened when it is first read.

    Args:
        disk, folder: where it lies.
        epoch: the epoch in its name.
        header: its header; None if that is damaged, and `error` says how.
    """

    def __init__(
        self, disk: Disk, folder: Path, epoch: int, header: SegmentHeader | None, error: str = ""
    ) -> None:
        self.path = wal.path_of(folder, epoch)
        self.epoch = epoch
        self.header = header
        self.error = error
        self._disk = disk
        self._file: File | None = None

    def __repr__(self) -> str:
        return f"<Segment {self.name} {self.error or self.header}>"

    @property
    def name(self) -> str:
        """Its file's name."""
        return self.path.name

    @property
    def file(self) -> File:
        """The open file. Raises `OSError`."""
        if self._file is None:
            self._file = self._disk.open(self.path)
        return self._file

    def close(self) -> None:
        """Close the file, if it is open: a log may have more segments than a process may open."""
        if self._file is not None:
            self._file.close()
            self._file = None


class Hole(NamedTuple):
    """Where reading could not go on."""

    segment: str
    offset: int
    due_lsn: int
    """LSN of the record that should have been there."""
    reason: str

    def to(self, last_lost_lsn: int) -> Damage:
        """The damage, now that it is known how far it goes."""
        return Damage(self.segment, self.offset, self.due_lsn, last_lost_lsn, self.reason)


@dataclass
class Findings:
    """How far reading has come."""

    files: Files
    values: Values = field(default_factory=dict)
    has_deleted: bool = False
    """Whether `values` may hold None for a key that was deleted."""
    snapshot: SegmentHeader | None = None
    """Header of the snapshot that was loaded."""
    bad_snapshots: dict[int, str] = field(default_factory=dict)
    """Newer ones that could not be, and why."""
    leftover: Segment | None = None
    """What an interrupted repair made before its commit point."""
    stale: list[int] = field(default_factory=list)
    """Epochs of the segments that the snapshot has made useless."""
    put_aside: list[int] = field(default_factory=list)
    """Epochs of the segments that an earlier repair, cut short, meant to put aside."""
    used: list[Segment] = field(default_factory=list)
    next_lsn: int = FIRST_LSN
    """LSN that the next record must have; nothing seen has it or a later one."""
    records: int = 0
    """Log records applied, those of the snapshot not counted."""
    log_bytes: int = 0
    """Good bytes of all segments in use, headers included."""
    end_offset: int = 0
    """End of the last good record in the segment that was read last."""
    last_kind: int = RecordType.MARK
    torn_bytes: int = 0
    hole: Hole | None = None
    """The last damage, while its extent is unknown."""
    damage: list[Damage] = field(default_factory=list)
    first_damaged: int | None = None
    """Epoch of the first segment with damage in it."""

    @property
    def is_new(self) -> bool:
        """Whether there is no store yet."""
        return not (self.files.snapshots or self.files.epochs)

    def apply(self, window: Window) -> None:
        """Apply a window's records, but those that the snapshot has."""
        self.records += replay(window, self.values, self.snapshot_lsn + 1 - window.first_lsn)
        self.has_deleted = self.has_deleted or may_delete(window)

    def contents(self) -> dict[bytes, bytes]:
        """Every key that was not deleted, and its value."""
        if self.has_deleted:
            return without_deleted(self.values)
        return self.values  # type: ignore[return-value]  # nothing has put a None into it

    @property
    def snapshot_lsn(self) -> int:
        """LSN of the snapshot that was loaded; 0 when there was none."""
        return self.snapshot.first_lsn if self.snapshot else 0

    @property
    def last_lsn(self) -> int:
        """LSN that the store reports once it is open."""
        return self.next_lsn - 1

    @property
    def is_clean(self) -> bool:
        """Whether the log ends with a MARK, as after a clean close, or holds no record."""
        return not self.torn_bytes and not self.damage and self.last_kind == RecordType.MARK

    def close_files(self) -> None:
        """Close every segment that is open."""
        for segment in self.used:
            segment.close()
        if self.leftover:
            self.leftover.close()
