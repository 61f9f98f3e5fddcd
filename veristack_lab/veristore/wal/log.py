"""The write-ahead log: segment files, appended to by groups (read back by `recovery`).

**Commit point**: the return of `fdatasync` in `append_group` or `sync`. Before it, a power cut
leaves all, some or none of the records since the last one (each whole or, by its CRC, not
there; recovery keeps those up to the first that is not); after it, all of them.

`GROUP_START` marks a record before which everything was durable when it was written: the
first one after each sync. See `segment` for what recovery makes of it.

**Room ahead**: a synced write that makes the file longer brings zeros along, so that the next
ones overwrite bytes that the disk has already. Then a sync writes data alone; for every byte of
new length or new blocks it would wait for the file system's journal too, which is a good part
of what a small sync costs. (Zeros are written rather than promised: after `posix_fallocate` the
first write to each block still goes through the journal, so records of a few kilobytes gain
nothing. PostgreSQL fills its log segments with zeros for the same reason.) The room is given back
when a segment is finished, and at close. See `segment` for what recovery makes of it.

Files are made under a temporary name, synced, renamed, and the folder synced: a segment that
has its name has its header. `Log` is not thread-safe; one leader at a time uses it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from veristack_lab.kernels import records
from veristack_lab.veristore.disk import Disk, File
from veristack_lab.veristore.failures import is_out_of_room
from veristack_lab.veristore.wal.mutations import RecordType
from veristack_lab.veristore.wal.segment import (
    GROUP_START,
    LOG_MAGIC,
    TEMPORARY,
    SegmentHeader,
)

_PREFIX = "log-"
_DIGITS = 10
_LEAST_ROOM_BYTES = 64 * 1024
_MOST_ROOM_BYTES = 256 * 1024
"""Room ahead is as long as the segment so far, within these bounds."""
_LONG_WRITE_BYTES = 64 * 1024
"""A longer write brings no room: its own bytes cost more than the journal does."""
_BLOCK_BYTES = 4096


def path_of(folder: Path, epoch: int) -> Path:
    """Where the segment of an epoch lies."""
    return folder / f"{_PREFIX}{epoch:0{_DIGITS}d}"


def list_epochs(names: Iterable[str]) -> list[int]:
    """Epochs of the segments among the names of a folder, ascending."""
    digits = (name.removeprefix(_PREFIX) for name in names if name.startswith(_PREFIX))
    epochs = (int(text) for text in digits if text.isdecimal() and len(text) == _DIGITS)
    return sorted(epoch for epoch in epochs if epoch <= records.MAX_EPOCH)


class Log:
    """The log of one store, open for appending to its newest segment.

    Args:
        disk, folder: where it lies.
        epoch: the newest segment's epoch.
        next_lsn: LSN of the next record.
        file: the newest segment, all of it durable.
        end_offset: end of its last record if zeros follow, which are room. None: no zeros follow.
    """

    def __init__(
        self,
        disk: Disk,
        folder: Path,
        epoch: int,
        next_lsn: int,
        file: File,
        end_offset: int | None = None,
    ) -> None:
        self._disk = disk
        self._folder = folder
        self._file = file
        self._room_end = file.size()
        self._end = self._durable_end = self._room_end if end_offset is None else end_offset
        self._may_reserve = True
        self._is_syncing = False
        self.epoch = epoch
        self.segment_bytes = 0
        """No room is reserved beyond this length of a segment. Set by the store, which knows when
        it rotates; 0 reserves none."""
        self.reserves_always = False
        """Whether a write without a sync brings room ahead too: its caller will sync it soon."""
        self.next_lsn = next_lsn
        """LSN of the next record; never goes back."""
        self.durable_lsn = next_lsn - 1
        """LSN up to which all records are durable."""
        self.appended_bytes = 0
        """Written to the log since it was opened, over all segments."""
        self.syncs = 0
        """Syncs of records since it was opened."""

    def __repr__(self) -> str:
        return f"<Log epoch={self.epoch} next_lsn={self.next_lsn} bytes={self._end}>"

    @property
    def end_offset(self) -> int:
        """End of the last acknowledged record in the newest segment."""
        return self._end

    @property
    def unsynced(self) -> int:
        """How many records at the end are not durable yet."""
        return self.next_lsn - 1 - self.durable_lsn

    def append_group(
        self, types: Sequence[int], payloads: Sequence[bytes], *, sync: bool = True
    ) -> int:
        """Write records with one write and, unless told otherwise, one sync.

        With the sync, these records and all before them are durable when this returns.

        Returns:
            The LSN of the first record; the others follow one by one.

        Raises:
            OSError: the disk failed. The caller must not append again.
        """
        first = self.next_lsn
        if self.durable_lsn == first - 1:
            types = [types[0] | GROUP_START, *types[1:]]
        data = records.frame_records(payloads, types, first, self.epoch)
        end, next_lsn = self._end + len(data), first + len(payloads)
        self._is_syncing = False
        if end > self._room_end and (sync or self.reserves_always):
            self._write_longer(data, end)
        else:
            self._file.pwrite(data, self._end)
        if sync:
            self._is_syncing = True
            self._file.fdatasync()
            # No call between the sync and the return: Ctrl-C cannot come between the fields.
            self._is_syncing = False
            self.syncs += 1
            self.durable_lsn, self._durable_end = next_lsn - 1, end
        self.appended_bytes += end - self._end
        self._end, self.next_lsn = end, next_lsn
        return first

    def _write_longer(self, data: bytes, end: int) -> None:
        """Write what makes the file longer, and room behind it where that pays."""
        room_bytes = self._room_behind(end) if len(data) <= _LONG_WRITE_BYTES else 0
        if room_bytes:
            try:
                self._file.pwrite(data + bytes(room_bytes), self._end)
            except OSError as error:
                if not is_out_of_room(error):
                    raise
                self._may_reserve = False  # not in this segment
            else:
                self._room_end = end + room_bytes
                return
        self._file.pwrite(data, self._end)
        self._room_end = self._file.size() if room_bytes else end

    def _room_behind(self, end: int) -> int:
        """How many zeros to write behind the records when they end here."""
        if not self._may_reserve:
            return 0
        wanted = end + min(max(end, _LEAST_ROOM_BYTES), _MOST_ROOM_BYTES)
        return max(0, min(wanted, self.segment_bytes) // _BLOCK_BYTES * _BLOCK_BYTES - end)

    def mark(self) -> None:
        """Append the MARK that ends a cleanly closed log, durably. Reserves nothing.

        Raises:
            OSError: the disk failed.
        """
        self._may_reserve = False
        self.append_group([RecordType.MARK], [b""])

    def sync(self) -> None:
        """Make every record durable. Costs nothing when they are.

        Raises:
            OSError: the disk failed. The caller must neither append nor sync again.
        """
        if not self.unsynced:
            return
        self._is_syncing = True
        self._file.fdatasync()
        self._is_syncing = False
        self.syncs += 1
        self.durable_lsn, self._durable_end = self.next_lsn - 1, self._end

    def cut_unsynced(self) -> None:
        """After a failed append or sync: remove what is not acknowledged, if possible.

        Otherwise a reopened store could read it back from the page cache, which after a
        failed sync holds data that the disk does not (PostgreSQL's "fsyncgate", 2018). So
        after a failed sync that is everything since the last good one; after a failed write
        only that write, for the system still has what was acknowledged before it.
        """
        self._room_end = self._durable_end if self._is_syncing else self._end
        self._file.truncate(self._room_end)

    def rotate(self) -> int:
        """Make all records durable and begin a new segment, durable too. Returns its epoch.

        Raises:
            OSError: the disk failed. The caller must not append again: the new segment may
                have got its name already.
        """
        self.sync()
        if self._give_room_back():
            self._file.fdatasync()
        file = create_segment(self._disk, self._folder, self.epoch + 1, self.next_lsn)
        self._file.close()
        end = file.size()
        self._file, self._end, self._durable_end, self.epoch = file, end, end, self.epoch + 1
        self._room_end, self._may_reserve = end, True
        return self.epoch

    def _give_room_back(self) -> bool:
        """Cut the file behind its last record. Returns whether there was something to cut."""
        if self._room_end <= self._end:
            return False
        self._room_end = self._end
        self._file.truncate(self._end)
        return True

    def close(self) -> None:
        """Give the room ahead back, and close the file."""
        with suppress(OSError):  # recovery recognises room that was left
            self._give_room_back()
        self._file.close()

    def disown(self) -> None:
        """Close the file that a fork inherited; what is in it belongs to the owner."""
        self._file.close()


def create_segment(
    disk: Disk,
    folder: Path,
    epoch: int,
    first_lsn: int,
    damaged_from: int = 0,
    *,
    magic: bytes = LOG_MAGIC,
    content: bytes = b"",
) -> File:
    """Make a segment with its header, durably. Raises `OSError`.

    Args:
        disk, folder: where.
        epoch, first_lsn, damaged_from, magic: of the header.
        content: framed records that have to be there from the beginning.
    """
    final = path_of(folder, epoch)
    temporary = final.with_name(final.name + TEMPORARY)
    if disk.exists(temporary):
        disk.unlink(temporary)
    file = disk.open(temporary, create=True)
    try:
        header = SegmentHeader(epoch, first_lsn, magic, damaged_from=damaged_from)
        file.append(header.encode() + content)
        file.fdatasync()
        disk.rename(temporary, final)
        disk.fsync_dir(folder)
    except OSError:
        file.close()
        raise
    return file
