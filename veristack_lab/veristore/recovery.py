"""Reading a store back: the newest snapshot, then the log behind it.

Each step is a method of `Recoverer`, so that one can be replaced to see what it was good for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from veristack_lab.errors import StoreCorrupt
from veristack_lab.kernels import records
from veristack_lab.veristore import log as wal
from veristack_lab.veristore import snapshot
from veristack_lab.veristore.disk import Disk, File
from veristack_lab.veristore.mutations import Change, RecordType, decode
from veristack_lab.veristore.segment import (
    HEADER_BYTES,
    VERSION,
    SegmentHeader,
    decode_header,
    find_later_group,
    read_records,
)

FIRST_LSN = 1
FIRST_EPOCH = 1


@dataclass(frozen=True)
class Recovered:
    """What a store held when it was opened, and its log, ready for appending."""

    log: wal.Log
    values: dict[bytes, bytes]
    """Every key and its value."""
    snapshot_lsn: int
    """LSN of the snapshot that was loaded; 0 when there was none."""
    records: int
    """Log records applied, those of the snapshot not counted."""
    torn_bytes: int
    """Bytes of a torn tail that were cut off; none of them was ever acknowledged."""
    log_bytes: int
    """Length of all segments in use, headers included."""
    is_clean: bool
    """Whether the log ends with a MARK, as one closed in good order, or holds no record."""


class Segment(NamedTuple):
    """One open file of the log."""

    epoch: int
    file: File
    header: SegmentHeader

    @property
    def name(self) -> str:
        """Its file's name."""
        return wal.path_of(Path(), self.epoch).name


@dataclass
class Progress:
    """How far replay has come."""

    values: dict[bytes, bytes] = field(default_factory=dict)
    snapshot_lsn: int = 0
    next_lsn: int = FIRST_LSN
    records: int = 0
    log_bytes: int = 0
    end_offset: int = 0
    """End of the last good record in the segment that was replayed last."""
    last_kind: int = RecordType.MARK


class Recoverer:
    """Recovers one folder.

    Args:
        disk: where the folder is.
        folder: the store's, locked by the caller.
        log_type: what to open for appending.
    """

    def __init__(self, disk: Disk, folder: Path, log_type: type[wal.Log] = wal.Log) -> None:
        self._disk = disk
        self._folder = folder
        self._log_type = log_type

    def recover(self) -> Recovered:
        """Load the snapshot, replay all records after it, open the log for appending.

        A torn tail is cut off, and the cut synced, before this returns: so before anything
        new is appended.

        Raises:
            StoreCorrupt: a record or a segment is missing or damaged before the end.
            NotAStore: a segment is of a newer version.
            OSError: the disk failed.
        """
        snapshots, epochs = self.list_files()
        progress = Progress()
        self.load_snapshot(snapshots, progress)
        opened: list[Segment] = []
        try:
            opened.extend(self.open_segment(epoch) for epoch in epochs)
            stale, used = self.choose_segments(opened, progress.snapshot_lsn)
            self._replay(used, progress)
            torn_bytes = self.cut_tail(used[-1], progress)
            log = self.open_for_appending(used[-1], progress)
        except BaseException:
            for segment in opened:
                segment.file.close()
            raise
        for segment in opened[:-1]:
            segment.file.close()
        self.remove_stale(stale, snapshots)
        return Recovered(
            log,
            progress.values,
            progress.snapshot_lsn,
            progress.records,
            torn_bytes,
            progress.log_bytes,
            is_clean=not torn_bytes and progress.last_kind == RecordType.MARK,
        )

    def list_files(self) -> tuple[list[int], list[int]]:
        """LSNs of the snapshots and epochs of the segments; a new store gets its first one."""
        names = self._disk.listdir(self._folder)
        for name in names:
            if name.endswith(snapshot.TEMPORARY):
                self._disk.unlink(self._folder / name)
        snapshots, epochs = snapshot.list_lsns(names), wal.list_epochs(names)
        if not epochs and not snapshots:
            wal.create_segment(self._disk, self._folder, FIRST_EPOCH, FIRST_LSN).close()
            epochs = [FIRST_EPOCH]
        return snapshots, epochs

    def load_snapshot(self, snapshots: Sequence[int], progress: Progress) -> None:
        """Read the newest snapshot, if there is one."""
        if not snapshots:
            return
        progress.snapshot_lsn = snapshots[-1]
        snapshot.load(
            self._disk, self._folder, snapshots[-1], lambda changes: apply(progress, changes)
        )

    def open_segment(self, epoch: int) -> Segment:
        """Open one segment and check its header."""
        path = wal.path_of(self._folder, epoch)
        file = self._disk.open(path)
        try:
            return Segment(epoch, file, decode_header(file.read(0, HEADER_BYTES), path.name))
        except BaseException:
            file.close()
            raise

    def choose_segments(
        self, opened: Sequence[Segment], snapshot_lsn: int
    ) -> tuple[Sequence[Segment], Sequence[Segment]]:
        """Segments that the snapshot has made useless, and those to replay."""
        needed = [i for i, one in enumerate(opened) if one.header.first_lsn <= snapshot_lsn + 1]
        if not needed:
            raise StoreCorrupt(
                f"{self._folder}: no log segment begins at or before LSN {snapshot_lsn + 1}, so "
                "records are missing; restore a copy of the store"
            )
        return opened[: needed[-1]], opened[needed[-1] :]

    def _replay(self, used: Sequence[Segment], progress: Progress) -> None:
        progress.next_lsn = used[0].header.first_lsn
        for segment in used:
            self.check_place(segment, progress.next_lsn)
            self.replay_segment(segment, progress)
            if progress.end_offset < segment.file.size() and segment is not used[-1]:
                raise StoreCorrupt(
                    f"{segment.name} is cut short at byte {progress.end_offset}, and a later "
                    "segment exists; restore a copy of the store"
                )
        if progress.next_lsn <= progress.snapshot_lsn:
            raise StoreCorrupt(
                f"{self._folder}: the log ends at LSN {progress.next_lsn - 1}, before its "
                f"snapshot of LSN {progress.snapshot_lsn}; restore a copy of the store"
            )

    def check_place(self, segment: Segment, next_lsn: int) -> None:
        """Whether this segment is the one that follows."""
        header = segment.header
        if (header.epoch, header.first_lsn) != (segment.epoch, next_lsn):
            raise StoreCorrupt(
                f"{segment.name} says epoch {header.epoch}, first LSN {header.first_lsn}; "
                f"expected are {segment.epoch} and {next_lsn}. A segment is missing or "
                "misplaced; restore a copy of the store"
            )

    def replay_segment(self, segment: Segment, progress: Progress) -> None:
        """Apply one segment's records that the snapshot lacks."""
        progress.last_kind = RecordType.MARK
        for window in read_records(segment.file, segment.epoch, progress.next_lsn):
            lsn = window.first_lsn
            for kind, payload in window:
                if lsn > progress.snapshot_lsn:
                    apply(progress, decode(kind, payload))
                    progress.records += 1
                lsn += 1
                progress.last_kind = kind
        progress.end_offset, progress.next_lsn = window.end_offset, window.next_lsn
        progress.log_bytes += window.end_offset
        if window.decoded.stop is not records.Stop.END:
            self.judge_stop(segment, progress, window.decoded.stop)

    def judge_stop(self, segment: Segment, progress: Progress, stop: records.Stop) -> None:
        """Tell a torn tail, which is no error, from damage.

        Raises:
            StoreCorrupt: what follows proves that the bad record had been durable.
        """
        end, lsn = progress.end_offset, progress.next_lsn
        wrong_lsn = stop is records.Stop.WRONG_LSN
        later = None if wrong_lsn else find_later_group(segment.file, segment.epoch, end, lsn)
        if wrong_lsn or later is not None:
            found = (
                "a record with another LSN" if later is None else f"good records from byte {later}"
            )
            raise StoreCorrupt(
                f"{segment.name} is damaged at byte {end} ({stop.name}): the record with LSN "
                f"{lsn} is due there, and {found} follow{'s' if later is None else ''}. Nothing "
                "was changed; restore a copy of the store"
            )

    def cut_tail(self, last: Segment, progress: Progress) -> int:
        """Cut a torn tail off; its length. Whatever is left of the log is durable after it."""
        torn_bytes = last.file.size() - progress.end_offset
        if torn_bytes:
            last.file.truncate(progress.end_offset)
        # Whatever the last owner wrote, synced or not, is durable from here on, cut or not.
        last.file.fdatasync()
        return torn_bytes

    def open_for_appending(self, last: Segment, progress: Progress) -> wal.Log:
        """The log, ready to go on at the end of its newest segment."""
        log = self._log_type(self._disk, self._folder, last.epoch, progress.next_lsn, last.file)
        if last.header.version < VERSION:
            log.rotate()  # an older lab may read that segment, but not what we would append
        return log

    def remove_stale(self, stale: Sequence[Segment], snapshots: Sequence[int]) -> None:
        """Remove the files that the newest snapshot has made useless."""
        for segment in stale:
            self._disk.unlink(wal.path_of(self._folder, segment.epoch))
        for lsn in snapshots[:-1]:
            self._disk.unlink(snapshot.path_of(self._folder, lsn))


def apply(progress: Progress, changes: Iterable[Change]) -> None:
    """Make changes in their order."""
    values = progress.values
    for key, value in changes:
        if value is None:
            values.pop(key, None)
        else:
            values[key] = value
