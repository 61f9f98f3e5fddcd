"""The write-ahead log: segment files, appended to by groups, recovered at open.

**Commit point**: the return of `fdatasync` in `append_group`. Before it, a power cut leaves
all, some or none of the group's records (each whole or, by its CRC, not there); after it,
all of them. Nothing may be acknowledged before.

Files are made under a temporary name, synced, renamed, and the folder synced: a segment that
has its name has its header. `Log` is not thread-safe; one leader at a time uses it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from veristack_lab.errors import StoreCorrupt
from veristack_lab.kernels import records
from veristack_lab.veristore.disk import Disk, File
from veristack_lab.veristore.mutations import Change, RecordType, decode
from veristack_lab.veristore.segment import (
    GROUP_START,
    HEADER_BYTES,
    SegmentHeader,
    decode_header,
    find_later_group,
    read_records,
)
from veristack_lab.veristore.snapshot import TEMPORARY

_PREFIX = "log-"
Apply = Callable[[Iterable[Change]], None]


def path_of(folder: Path, epoch: int) -> Path:
    """Where the segment of an epoch lies."""
    return folder / f"{_PREFIX}{epoch:010d}"


def list_epochs(names: Iterable[str]) -> list[int]:
    """Epochs of the segments among the names of a folder, ascending."""
    digits = (name.removeprefix(_PREFIX) for name in names if name.startswith(_PREFIX))
    return sorted(int(text) for text in digits if text.isdecimal())


@dataclass(frozen=True)
class Replay:
    """What opening the log found."""

    records: int
    """Records applied, those of the snapshot not counted."""
    torn_bytes: int
    """Bytes of a torn tail that were cut off; none of them was ever acknowledged."""
    log_bytes: int
    """Length of all segments in use, headers included."""
    stale_epochs: tuple[int, ...]
    """Segments that the snapshot has made useless; safe to remove."""
    is_clean: bool
    """Whether the log ends with a MARK, as one closed in good order, or holds no record."""


class Log:
    """The log of one store, open for appending to its newest segment."""

    def __init__(self, disk: Disk, folder: Path, epoch: int, next_lsn: int, file: File) -> None:
        self._disk = disk
        self._folder = folder
        self._file = file
        self._end = file.size()
        self.epoch = epoch
        self.next_lsn = next_lsn
        """LSN of the next record; never goes back."""

    def __repr__(self) -> str:
        return f"<Log epoch={self.epoch} next_lsn={self.next_lsn} bytes={self._end}>"

    @property
    def end_offset(self) -> int:
        """End of the last durable record in the newest segment."""
        return self._end

    def append_group(self, types: Sequence[int], payloads: Sequence[bytes]) -> int:
        """Write records with one write and one sync. Durable when this returns.

        Returns:
            The LSN of the first record; the others follow one by one.

        Raises:
            OSError: the disk failed. The caller must not append again.
        """
        first = self.next_lsn
        marked = [types[0] | GROUP_START, *types[1:]]
        data = records.frame_records(payloads, marked, first, self.epoch)
        end, next_lsn = self._end + len(data), first + len(payloads)
        self._file.pwrite(data, self._end)
        self._file.fdatasync()
        # No call between the sync and the return: Ctrl-C cannot come between the two fields.
        self._end, self.next_lsn = end, next_lsn
        return first

    def cut_unsynced(self) -> None:
        """After a failed append: remove what was written and not acknowledged, if possible.

        Otherwise a reopened store could read it back from the page cache, which after a
        failed sync holds data that the disk does not (PostgreSQL's "fsyncgate", 2018).
        """
        self._file.truncate(self._end)

    def rotate(self) -> int:
        """Begin a new segment, durable before this returns. Returns its epoch.

        Raises:
            OSError: the disk failed. The caller must not append again: the new segment may
                have got its name already.
        """
        file = create_segment(self._disk, self._folder, self.epoch + 1, self.next_lsn)
        self._file.close()
        self._file, self._end, self.epoch = file, file.size(), self.epoch + 1
        return self.epoch

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def create_segment(disk: Disk, folder: Path, epoch: int, first_lsn: int) -> File:
    """Make a segment with its header, durably. Raises `OSError`."""
    final = path_of(folder, epoch)
    temporary = final.with_name(final.name + TEMPORARY)
    if disk.exists(temporary):
        disk.unlink(temporary)
    file = disk.open(temporary, create=True)
    try:
        file.append(SegmentHeader(epoch, first_lsn).encode())
        file.fdatasync()
        disk.rename(temporary, final)
        disk.fsync_dir(folder)
    except OSError:
        file.close()
        raise
    return file


def recover(
    disk: Disk, folder: Path, epochs: Sequence[int], snapshot_lsn: int, apply: Apply
) -> tuple[Log, Replay]:
    """Replay all records after the snapshot and open the log for appending.

    A torn tail is cut off, and the cut synced, before this returns: so before anything new
    is appended.

    Raises:
        StoreCorrupt: a record or a segment is missing or damaged before the end.
        NotAStore: a segment is of a newer version.
        OSError: the disk failed.
    """
    opened: list[tuple[int, File, SegmentHeader]] = []
    try:
        for epoch in epochs:
            segment = _open_segment(disk, path_of(folder, epoch))
            opened.append((epoch, *segment))
        return _recover(disk, folder, opened, snapshot_lsn, apply)
    except BaseException:
        for _, file, _ in opened:
            file.close()
        raise


def _open_segment(disk: Disk, path: Path) -> tuple[File, SegmentHeader]:
    file = disk.open(path)
    try:
        return file, decode_header(file.read(0, HEADER_BYTES), path.name)
    except BaseException:
        file.close()
        raise


@dataclass
class _Progress:
    """How far replay has come."""

    next_lsn: int
    records: int = 0
    log_bytes: int = 0
    last_kind: int = RecordType.MARK


def _recover(
    disk: Disk,
    folder: Path,
    opened: Sequence[tuple[int, File, SegmentHeader]],
    snapshot_lsn: int,
    apply: Apply,
) -> tuple[Log, Replay]:
    needed = [i for i, (_, _, header) in enumerate(opened) if header.first_lsn <= snapshot_lsn + 1]
    if not needed:
        raise StoreCorrupt(
            f"{folder}: no log segment begins at or before LSN {snapshot_lsn + 1}, so records "
            "are missing; restore a copy of the store"
        )
    stale, used = opened[: needed[-1]], opened[needed[-1] :]
    progress = _Progress(used[0][2].first_lsn)
    for epoch, file, header in used:
        name = path_of(folder, epoch).name
        if (header.epoch, header.first_lsn) != (epoch, progress.next_lsn):
            raise StoreCorrupt(
                f"{name} says epoch {header.epoch}, first LSN {header.first_lsn}; expected are "
                f"{epoch} and {progress.next_lsn}. A segment is missing or misplaced; restore "
                "a copy of the store"
            )
        end = _replay_segment(file, epoch, name, snapshot_lsn, apply, progress)
        if end < file.size() and file is not used[-1][1]:
            raise StoreCorrupt(
                f"{name} is cut short at byte {end}, and a later segment exists; restore a copy "
                "of the store"
            )
    if progress.next_lsn <= snapshot_lsn:
        raise StoreCorrupt(
            f"{folder}: the log ends at LSN {progress.next_lsn - 1}, before its snapshot of LSN "
            f"{snapshot_lsn}; restore a copy of the store"
        )
    return _open_for_appending(disk, folder, stale, used, end, progress)


def _open_for_appending(
    disk: Disk,
    folder: Path,
    stale: Sequence[tuple[int, File, SegmentHeader]],
    used: Sequence[tuple[int, File, SegmentHeader]],
    end: int,
    progress: _Progress,
) -> tuple[Log, Replay]:
    epoch, file, _ = used[-1]
    torn_bytes = file.size() - end
    if torn_bytes:
        file.truncate(end)
    # Whatever the last owner wrote, synced or not, is durable from here on, cut or not.
    file.fdatasync()
    for _, older, _ in (*stale, *used[:-1]):
        older.close()
    replay = Replay(
        records=progress.records,
        torn_bytes=torn_bytes,
        log_bytes=progress.log_bytes,
        stale_epochs=tuple(epoch for epoch, _, _ in stale),
        is_clean=not torn_bytes and progress.last_kind == RecordType.MARK,
    )
    return Log(disk, folder, epoch, progress.next_lsn, file), replay


def _replay_segment(
    file: File, epoch: int, name: str, snapshot_lsn: int, apply: Apply, progress: _Progress
) -> int:
    """Apply one segment's records that the snapshot lacks. Returns its good end."""
    progress.last_kind = RecordType.MARK
    for window in read_records(file, epoch, progress.next_lsn):
        lsn = window.first_lsn
        for kind, payload in window:
            if lsn > snapshot_lsn:
                apply(decode(kind, payload))
                progress.records += 1
            lsn += 1
            progress.last_kind = kind
    end, progress.next_lsn, stop = window.end_offset, window.next_lsn, window.decoded.stop
    progress.log_bytes += end
    if stop is not records.Stop.END:
        refuse_damage(file, epoch, name, end, progress.next_lsn, stop)
    return end


def refuse_damage(
    file: File, epoch: int, name: str, end: int, lsn: int, stop: records.Stop
) -> None:
    """Tell a torn tail, which is no error, from damage.

    Raises:
        StoreCorrupt: what follows proves that the bad record had been durable.
    """
    later = None if stop is records.Stop.WRONG_LSN else find_later_group(file, epoch, end, lsn)
    if stop is records.Stop.WRONG_LSN or later is not None:
        found = "a record with another LSN" if later is None else f"good records from byte {later}"
        raise StoreCorrupt(
            f"{name} is damaged at byte {end} ({stop.name}): the record with LSN {lsn} is due "
            f"there, and {found} follow{'s' if later is None else ''}. Nothing was changed; "
            "restore a copy of the store"
        )
