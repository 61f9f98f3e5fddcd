"""What the leader of a commit group does: append, sync, show.

`GroupCommit` decides which thread leads, and one thread leads at a time. **Commit point**: the
return of `_append` (see `log`), unless `durability` is lowered; `_apply` then lets readers see the
group.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from veristack_lab.errors import DiskFull, StoreClosed, StoreFailed
from veristack_lab.runtime.clock import Clock
from veristack_lab.veristore.commit.background import Background
from veristack_lab.veristore.commit.durability import Durability, Interval, writes_per_sync
from veristack_lab.veristore.commit.group import GroupCommit
from veristack_lab.veristore.disk import Disk
from veristack_lab.veristore.failures import explain
from veristack_lab.veristore.memtable.checkpoints import Checkpointer
from veristack_lab.veristore.options import StoreOptions
from veristack_lab.veristore.reading import StoreReading
from veristack_lab.veristore.wal.mutations import Change


class StoreLeading(StoreReading):
    """The part of `Store` that commits groups of writes."""

    commit_type: type[GroupCommit] = GroupCommit
    """What makes groups of writers."""

    def __init__(
        self, disk: Disk, clock: Clock, folder: Path, options: StoreOptions | None = None
    ) -> None:
        super().__init__(disk, clock, folder, options)
        self._writes_per_sync = writes_per_sync(self.options.durability)
        self._flusher = _flusher(self.options.durability, self._sync_in_background)
        self._commit = self.commit_type(
            self._append,
            self._apply,
            lambda: self._log.cut_unsynced(),
            max_pending=self.options.max_pending,
        )
        self._checkpoints = self._make_checkpointer()

    def _make_checkpointer(self) -> Checkpointer:
        return Checkpointer(
            self._log,
            self._commit,
            self._views,
            self.snapshot_type(self.disk, self.path),
            snapshot_lsn=self._recovery.snapshot_lsn,
            log_bytes=self._recovery.log_bytes,
            limit_bytes=self.options.checkpoint_bytes,
        )

    def check_writable(self) -> None:
        """Raises why the store takes no writes, if so: `StoreReadOnly`, `StoreFailed`,
        `StoreClosed` or `StoreForked`."""
        self._commit.check()

    def _append(self, kinds: Sequence[int], payloads: Sequence[bytes]) -> int:
        """Write a group to the log, in a new segment if the newest is long enough."""
        log = self._log
        if log.end_offset >= self.options.segment_bytes:
            log.rotate()
        is_sync_due = log.unsynced + len(kinds) >= self._writes_per_sync
        first = log.append_group(kinds, payloads, sync=is_sync_due)
        if not is_sync_due and self._flusher is not None:
            self._flusher.request()
        self._checkpoints.request_if_due()
        return first

    def _apply(self, records: Sequence[Iterable[Change]]) -> None:
        """Make a group visible, in the order of the log."""
        lsn = self._log.next_lsn - len(records)
        with self._map_lock:
            for number, changes in enumerate(records):
                self._map.apply_record(lsn + number, changes)

    def _sync(self) -> None:
        """Sync the log, inside `exclusive`. After a failure the store takes no more writes."""
        try:
            self._log.sync()
        except OSError as cause:
            error = explain(cause)
            with suppress(OSError):  # the disk has failed: undo is best effort
                self._log.cut_unsynced()
            self._commit.refuse(StoreFailed(f"an earlier sync failed: {error}"))
            raise error from cause

    def _sync_in_background(self) -> None:
        # The group that requested this sync may be in the log but not in the map yet, so wait until
        # it is done and ask the log what to sync. After a failure the committer refuses the next
        # write with the reason.
        with suppress(StoreFailed, DiskFull, StoreClosed), self._commit.exclusive():
            self._commit.check()
            if self._log.unsynced:
                self._sync()


def _flusher(durability: Durability, sync: Callable[[], None]) -> Background | None:
    """The thread that syncs at intervals, if the durability level needs one."""
    if not isinstance(durability, Interval) or durability.ms is None:
        return None
    return Background("veristore-sync", sync, delay_s=durability.ms / 1000)
