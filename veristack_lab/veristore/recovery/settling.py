"""Settling what recovery has found: the folder becomes fit for appending.

A torn tail is cut off, damage is repaired (see `repair`), useless files go, and the log is
opened. Nothing here reads a record; `recoverer` has read and judged them all before.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from veristack_lab.veristore.disk import Disk
from veristack_lab.veristore.memtable import snapshot
from veristack_lab.veristore.recovery import repair
from veristack_lab.veristore.recovery.damage import Damage, RecoveryMode
from veristack_lab.veristore.recovery.findings import FIRST_EPOCH, FIRST_LSN, Findings, Segment
from veristack_lab.veristore.wal import log as wal
from veristack_lab.veristore.wal.segment import VERSION


@dataclass(frozen=True)
class Recovered:
    """What a store held when it was opened, and its log, ready for appending."""

    log: wal.Log
    values: dict[bytes, bytes]
    """Every key and its value."""
    snapshot_lsn: int
    """LSN of the newest snapshot; 0 if there is none."""
    records: int
    """Log records applied, those of the snapshot not counted."""
    torn_bytes: int
    """Bytes of a torn tail that were cut off; none of them was ever acknowledged."""
    log_bytes: int
    """Length of all segments in use, headers included."""
    is_clean: bool
    """Whether the log ends with a MARK, as after a clean close, or holds no record."""
    damage: tuple[Damage, ...]
    """What could not be read, and was put aside."""


class Settler:
    """The base of `Recoverer`: what is done once everything is read. Each step is an override
    point."""

    def __init__(
        self,
        disk: Disk,
        folder: Path,
        mode: RecoveryMode = RecoveryMode.POINT_IN_TIME,
        log_type: type[wal.Log] = wal.Log,
        snapshot_type: type[snapshot.SnapshotWriter] = snapshot.SnapshotWriter,
    ) -> None:
        self._disk = disk
        self._folder = folder
        self._mode = mode
        self._log_type = log_type
        self._snapshot_type = snapshot_type

    def settle(self, found: Findings) -> tuple[wal.Log, int]:
        """Make the folder fit for appending. Returns the log and the newest snapshot's LSN."""
        for name in found.files.temporary:
            self._disk.unlink(self._folder / name)
        if found.is_new:
            file = wal.create_segment(self._disk, self._folder, FIRST_EPOCH, FIRST_LSN)
            return self._log_type(self._disk, self._folder, FIRST_EPOCH, FIRST_LSN, file), 0
        self.keep_names()
        if found.first_damaged is not None:
            return self.repair(found)
        last = found.used.pop()
        try:
            self.cut_tail(last, found)
            self.put_aside(found)
            log = self.open_for_appending(last, found)
            self.remove_stale(found)
        except BaseException:
            last.close()
            raise
        return log, found.snapshot_lsn

    def keep_names(self) -> None:
        """Make durable the names under which everything was found.

        The last owner may have died between a rename and the sync of the folder. Its page cache
        shows the new name, and a power cut would still take it, with what was read there.
        """
        self._disk.fsync_dir(self._folder)

    def cut_tail(self, last: Segment, found: Findings) -> None:
        """Cut a torn tail off. The rest of the log is durable afterwards.

        Room that follows the last record is left for the log to go on in.
        """
        if found.torn_bytes:
            last.file.truncate(found.end_offset)
        # Everything the last owner wrote, synced or not, is durable from here on.
        last.file.fdatasync()

    def open_for_appending(self, last: Segment, found: Findings) -> wal.Log:
        """The log, ready to go on at the end of its newest segment."""
        log = self._log_type(
            self._disk, self._folder, last.epoch, found.next_lsn, last.file, found.end_offset
        )
        if last.header and last.header.version < VERSION:
            log.rotate()  # an older lab may read that segment, but not what we would append
        return log

    def repair(self, found: Findings) -> tuple[wal.Log, int]:
        """Replace damaged segments by a snapshot of what was read (see `repair`)."""
        file, epoch = repair.publish(self._disk, self._folder, found, self._snapshot_type)
        try:
            self.put_aside(found)
            self.remove_stale(found)
            log = self._log_type(self._disk, self._folder, epoch, found.next_lsn, file)
        except BaseException:
            file.close()
            raise
        return log, found.last_lsn

    def put_aside(self, found: Findings) -> None:
        """Rename what is damaged, durably; a repair that was interrupted here continues here."""
        names = repair.names_of_evidence(found)
        for old, new in names.items():
            self._disk.rename(self._folder / old, self._folder / new)
        if names:
            self._disk.fsync_dir(self._folder)

    def remove_stale(self, found: Findings) -> None:
        """Remove the files that the newest snapshot has made useless."""
        for path in repair.useless(self._folder, found):
            self._disk.unlink(path)
