"""The durable state of a Raft node: one log on veristore's segments (formats: `records`).

**Commit point** of `write`: the return of `sync`. Before it a power cut leaves what was there
before, or the term and vote alone, or these and some of the entries in their order. After it all of
it is there. Several writes may share one sync.

**Commit point** of `name_snapshot`: its sync. From then on that snapshot counts; it has to be
durable already (see `snapshots`). **Commit point** of `install` and `compact`: the new segment has
its name, durably. Before it the old segment counts, after it the new one; each is complete. Only
then is the old one removed, and snapshots only after that: no moment is without a log whose
snapshot is there.

**After a failed write or sync** nothing more is written: every later call raises `StoreFailed` (or
`DiskFull`), because what the disk holds is unknown until it is read again. A full disk is refused
like that before anything is acknowledged, and what was acknowledged stays whole.

In the folder: `LOCK`, one segment `log-EPOCH`, snapshots, at most one incoming snapshot, evidence
`damaged-log-EPOCH` (the newest four), and `*.tmp`, which are never read and are removed at open.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from veristack_lab.errors import StoreError
from veristack_lab.kernels import records as framing
from veristack_lab.veristore.disk import Disk, File
from veristack_lab.veristore.failures import copy, explain
from veristack_lab.veristore.raft import records
from veristack_lab.veristore.raft.entries import Entry, SnapshotMeta
from veristack_lab.veristore.raft.records import Record
from veristack_lab.veristore.raft.recovery import FIRST_LSN
from veristack_lab.veristore.raft.replay import LogState
from veristack_lab.veristore.wal import log as wal
from veristack_lab.veristore.wal.mutations import RecordType
from veristack_lab.veristore.wal.segment import GROUP_START, RAFT_LOG_MAGIC

ROOM_BYTES = 64 * 1024 * 1024
"""Up to this length of a segment, room is written ahead of the records (see `wal.log`)."""


class Storage:
    """The log of one node, open for writing. Made by `opening.open_node`. Not thread-safe.

    Args:
        disk, folder: where it lies.
        state: what the log says.
        log: its segment, open for appending.
        room_bytes: see `ROOM_BYTES`; 0 writes no room.
    """

    def __init__(
        self, disk: Disk, folder: Path, state: LogState, log: wal.Log, room_bytes: int = ROOM_BYTES
    ) -> None:
        self._disk, self._folder, self._log = disk, folder, log
        self._room_bytes = room_bytes
        self._prepare(log)
        self._failure: StoreError | None = None
        self.state = state
        """What the log says, with what is not synced yet. Look, and do not change it."""

    def __repr__(self) -> str:
        return f"<Storage {self._log!r} {self.state!r}>"

    @property
    def failure(self) -> StoreError | None:
        """Why nothing more is written; None while all is well."""
        return self._failure

    @property
    def is_synced(self) -> bool:
        """Whether everything that was written is durable."""
        return not self._log.unsynced

    @property
    def log_bytes(self) -> int:
        """Length of the segment, without room."""
        return self._log.end_offset

    def write(
        self, term: int, vote: int, entries: Sequence[Entry] = (), drop_from: int = 0
    ) -> None:
        """Write term, vote and entries as one group, with one write. Not durable before `sync`.

        Args:
            term, vote: always written, in one record.
            entries: their indexes go on where the log ends.
            drop_from: entries from this index on no longer count; 0: none are dropped.

        Raises:
            StoreCorrupt: this cannot follow what is in the log. Nothing was written.
            StoreFailed, DiskFull: the disk failed, now or earlier.
        """
        self._check()
        state = self.state
        state.set_term(term, vote)
        group = [records.encode_term(term, vote)]
        if drop_from:
            state.drop(drop_from)
            group.append(records.encode_drop(drop_from))
        for entry in entries:
            state.append(entry)
            group.append(records.encode_entry(entry))
        self._append(group)

    def sync(self) -> None:
        """Make everything that was written durable: the commit point. Costs nothing when it is.

        Raises:
            StoreFailed, DiskFull: the disk failed, now or earlier.
        """
        self._check()
        try:
            self._log.sync()
        except OSError as cause:
            self._fail(cause)

    def name_snapshot(self, meta: SnapshotMeta) -> None:
        """Let a snapshot of this node's own state count, durably. Its file is durable already.

        Raises:
            StoreFailed, DiskFull: the disk failed, now or earlier.
        """
        self._check()
        self.state.name_snapshot(meta)
        self._append([self._term_record(), records.encode_snapshot(meta)])
        self.sync()

    def install(self, term: int, vote: int, meta: SnapshotMeta, *, keep_log: bool) -> None:
        """Let a snapshot from a peer take the place of the log up to it, or of all of it.

        Args:
            term, vote: the node's at this moment.
            meta: the snapshot; its file is durable already.
            keep_log: keep the entries behind `meta.index`.

        Raises:
            StoreFailed, DiskFull: the disk failed, now or earlier.
        """
        self._check()
        self.state.set_term(term, vote)
        self.state.restart_at(meta, keep_log=keep_log)
        self._begin_segment()

    def compact(self, index: int) -> None:
        """Forget entries up to an index that the snapshot covers.

        Raises:
            StoreCorrupt: the index is not held.
            StoreFailed, DiskFull: the disk failed, now or earlier.
        """
        self._check()
        if index <= self.state.before[0]:
            return
        self.state.compact(index)
        self._begin_segment()

    def repaired(self) -> None:
        """Take the marks of damage back. Durable with the next sync."""
        self._check()
        self.state.damages = []
        self._append([self._term_record(), (RecordType.RAFT_REPAIRED, b"")])

    def close(self) -> None:
        """Sync, write the MARK that shows later damage anywhere in the log, and close the file."""
        if self._failure is None:
            try:
                self._log.sync()
                self._log.reserves_always = False
                self._append([self._term_record(), (RecordType.MARK, b"")])
                self._log.sync()
            except OSError as cause:
                with suppress(StoreError):  # closing goes on; there is no later call to refuse
                    self._fail(cause)
        self._log.close()

    def _term_record(self) -> Record:
        return records.encode_term(self.state.term, self.state.vote)

    def _append(self, group: Sequence[Record]) -> None:
        kinds, payloads = zip(*group, strict=True)
        try:
            self._log.append_group(kinds, payloads, sync=False)
        except OSError as cause:
            self._fail(cause)

    def _begin_segment(self) -> None:
        """Put a new segment with the whole state in the place of the old one.

        It also holds what was written and not synced: that was not answered, so it may be missing
        from the old segment if the new one does not get its name.
        """
        old, epoch = self._log, self._log.epoch + 1
        try:
            file, next_lsn = write_segment(self._disk, self._folder, epoch, self.state)
            old.close()
            self._disk.unlink(wal.path_of(self._folder, old.epoch))
        except OSError as cause:
            self._fail(cause)
        self._log = self._prepare(wal.Log(self._disk, self._folder, epoch, next_lsn, file))

    def _prepare(self, log: wal.Log) -> wal.Log:
        log.segment_bytes, log.reserves_always = self._room_bytes, True
        return log

    def _check(self) -> None:
        if self._failure is not None:
            raise copy(self._failure)

    def _fail(self, cause: OSError) -> None:
        self._failure = explain(cause)
        with suppress(OSError):  # the first error matters
            self._log.cut_unsynced()
        raise copy(self._failure) from cause


def write_segment(disk: Disk, folder: Path, epoch: int, state: LogState) -> tuple[File, int]:
    """Make a segment that holds the whole state, durably. Its name is the commit point.

    Returns:
        The file, and the LSN after its last record.

    Raises:
        OSError: the disk failed.
    """
    first = state.as_records()
    last = [records.encode_term(state.term, state.vote), (RecordType.MARK, b"")]
    kinds = [int(kind) for kind, _ in (*first, *last)]
    payloads = [payload for _, payload in (*first, *last)]
    for start in (0, len(first)):
        kinds[start] |= GROUP_START
    content = framing.frame_records(payloads, kinds, FIRST_LSN, epoch)
    file = wal.create_segment(disk, folder, epoch, FIRST_LSN, magic=RAFT_LOG_MAGIC, content=content)
    return file, FIRST_LSN + len(payloads)
