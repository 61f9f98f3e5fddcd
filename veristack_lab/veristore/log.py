"""The write-ahead log: segment files, appended to by groups (read back by `recovery`).

**Commit point**: the return of `fdatasync` in `append_group`. Before it, a power cut leaves
all, some or none of the group's records (each whole or, by its CRC, not there); after it,
all of them. Nothing may be acknowledged before.

Files are made under a temporary name, synced, renamed, and the folder synced: a segment that
has its name has its header. `Log` is not thread-safe; one leader at a time uses it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from veristack_lab.kernels import records
from veristack_lab.veristore.disk import Disk, File
from veristack_lab.veristore.segment import GROUP_START, SegmentHeader
from veristack_lab.veristore.snapshot import TEMPORARY

_PREFIX = "log-"


def path_of(folder: Path, epoch: int) -> Path:
    """Where the segment of an epoch lies."""
    return folder / f"{_PREFIX}{epoch:010d}"


def list_epochs(names: Iterable[str]) -> list[int]:
    """Epochs of the segments among the names of a folder, ascending."""
    digits = (name.removeprefix(_PREFIX) for name in names if name.startswith(_PREFIX))
    return sorted(int(text) for text in digits if text.isdecimal())


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
