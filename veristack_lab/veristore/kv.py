"""The key-value store: a map in memory, made durable by the log and by snapshots.

**What OK means.** A write returns after the sync of its commit group (see `log`): from then
on it survives a power cut. A write that did not return may be found after a crash, or not,
but only as a whole. Readers see nothing that is not durable. (`durability` can lower this, and
says exactly how far.)

    store = veristore.open("folder")
    store.put(b"key", b"value")

In the folder: `LOCK`, segments `log-EPOCH`, snapshots `snapshot-LSN`, and `*.tmp`, which never
count and are removed at open.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from veristack_lab.errors import DiskFull, InvalidInput, StoreClosed, StoreFailed
from veristack_lab.veristore import log as wal
from veristack_lab.veristore import snapshot, writes
from veristack_lab.veristore.background import Background
from veristack_lab.veristore.checkpoints import Checkpointer
from veristack_lab.veristore.clock import Clock, RealClock
from veristack_lab.veristore.commit import GroupCommit
from veristack_lab.veristore.disk import Disk, Lock, RealDisk
from veristack_lab.veristore.durability import Durability, Interval, writes_per_sync
from veristack_lab.veristore.failures import explain
from veristack_lab.veristore.folder import lock_folder
from veristack_lab.veristore.handles import CommitHandle
from veristack_lab.veristore.mutations import Batch, Change
from veristack_lab.veristore.options import CHECKPOINT_BYTES, SEGMENT_BYTES, StoreOptions
from veristack_lab.veristore.recovery.damage import recovery_mode
from veristack_lab.veristore.recovery.recoverer import Recoverer
from veristack_lab.veristore.sorted_map import SortedMap
from veristack_lab.veristore.status import Recovery, StoreStats
from veristack_lab.veristore.views import View, Views

__all__ = ["Recovery", "Store", "StoreStats", "open_store"]


class Store:
    """One open store. Thread-safe. Made by `open_store` (public name: `veristore.open`)."""

    log_type: type[wal.Log] = wal.Log
    """What writes the log."""
    commit_type: type[GroupCommit] = GroupCommit
    """What makes groups of writers."""
    recoverer_type: type[Recoverer] = Recoverer
    """What reads the folder back at open."""
    snapshot_type: type[snapshot.SnapshotWriter] = snapshot.SnapshotWriter
    """What writes snapshots and removes what they replace."""

    def __init__(
        self, disk: Disk, clock: Clock, folder: Path, options: StoreOptions | None = None
    ) -> None:
        self.path = folder
        self.clock = clock
        self.disk = disk
        self.options = options or StoreOptions()
        self._map = SortedMap()
        self._map_lock = threading.Lock()
        self._views = Views(self._map, self._map_lock)
        self._close_lock = threading.Lock()
        self._closed = False
        self._lock: Lock = lock_folder(disk, folder)
        try:
            self._log, self._recovery = self._recover()
        except BaseException:
            self._lock.release()
            raise
        self._look_up: Callable[[bytes], bytes | None] = self._map.get
        self._marked = not self._recovery.after_crash
        self._writes_per_sync = writes_per_sync(self.options.durability)
        self._flusher = _flusher(self.options.durability, self._sync_in_background)
        self._commit = self.commit_type(self._append, self._apply, lambda: self._log.cut_unsynced())
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

    def __repr__(self) -> str:
        state = "closed" if self._closed else "failed" if self._commit.refusal else "open"
        return f"<Store {self.path.name!r} {state}, {len(self._map):,} keys>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # ------------------------------------------------------------------ reading

    def get(self, key: bytes) -> bytes | None:
        """The value of a key, or None.

        Raises:
            StoreClosed: the store was closed.
            InvalidInput: the key is not bytes.
        """
        if type(key) is not bytes:
            self._check_get(key)
        return self._look_up(key)

    def _check_get(self, key: object) -> None:
        """Why a key cannot be looked up, if it cannot."""
        self._check_open()
        if not isinstance(key, bytes):
            raise InvalidInput(f"a key is bytes, not {type(key).__name__}; encode it first")

    def _look_up_closed(self, _key: bytes) -> None:
        """What stands in for the map's own look-up after `close`: `get` need not ask each time."""
        raise StoreClosed

    def _check_open(self) -> None:
        if self._closed:
            raise StoreClosed

    def scan(
        self, prefix: bytes = b"", start: bytes | None = None, limit: int | None = None
    ) -> Iterator[tuple[bytes, bytes]]:
        """Pairs in byte order of the keys, as they were when `scan` was called.

        Args:
            prefix: only keys that begin with it.
            start: only keys that are not below it.
            limit: at most so many pairs.

        Raises:
            StoreClosed: the store was closed.
            InvalidInput: the limit is negative.
        """
        self._check_open()
        if limit is not None and limit < 0:
            raise InvalidInput(f"limit is {limit}; give 0 or more, or None for all")
        with self._map_lock:
            return iter(self._map.scan(prefix, start or b"", limit))

    def snapshot_view(self) -> View:
        """A stable look at what is there now, while writers go on. Close it after use.

        Raises:
            StoreClosed: the store was closed.
        """
        with self._close_lock:
            self._check_open()
            return self._views.open(View)

    def __len__(self) -> int:
        return len(self._map)

    def __bool__(self) -> bool:
        return True  # an empty store is still a store

    # ------------------------------------------------------------------ writing

    def put(self, key: bytes, value: bytes) -> int:
        """Set a key, durably. Returns the LSN.

        Raises:
            KeyTooLarge, ValueTooLarge, InvalidInput: the key or value cannot be stored.
            StoreFailed, DiskFull, StoreClosed: see `GroupCommit.commit`.
        """
        return self._commit.commit(*writes.put(key, value))

    def delete(self, key: bytes) -> int:
        """Remove a key, present or not, durably. Returns the LSN.

        Raises:
            KeyTooLarge, InvalidInput: the key cannot be one.
            StoreFailed, DiskFull, StoreClosed: see `GroupCommit.commit`.
        """
        return self._commit.commit(*writes.delete(key))

    def write(self, batch: Batch) -> int:
        """Make all changes of a batch, durably and atomically. Returns the LSN of the whole.

        Raises:
            InvalidInput: the batch is empty.
            StoreFailed, DiskFull, StoreClosed: see `GroupCommit.commit`.
        """
        return self._commit.commit(*writes.batch(batch))

    def put_many(self, pairs: Iterable[tuple[bytes, bytes]] | Mapping[bytes, bytes]) -> int:
        """Set many keys, durably and atomically, the fastest way. Returns the LSN of the whole.

        Of a key that stands there twice, the last value stays.

        Raises:
            InvalidInput: there are no pairs, or something that is no pair of bytes.
            KeyTooLarge, ValueTooLarge: a key, a value or the whole is too large; nothing was
                written.
            StoreFailed, DiskFull, StoreClosed: see `GroupCommit.commit`.
        """
        return self._commit.commit(*writes.put_many(pairs))

    def put_async(self, key: bytes, value: bytes) -> CommitHandle:
        """Hand in a put and return at once; raises as `put` does what is known at once.

        The handle's `wait()` returns, or an `await` of it, when `put` would have returned.
        """
        return self._commit.submit(*writes.put(key, value))

    def delete_async(self, key: bytes) -> CommitHandle:
        """Hand in a delete and return at once; as `put_async`."""
        return self._commit.submit(*writes.delete(key))

    def write_async(self, batch: Batch) -> CommitHandle:
        """Hand in a batch and return at once; as `put_async`. Later additions do not count."""
        return self._commit.submit(*writes.batch(batch))

    def sync(self) -> int:
        """Make everything that was acknowledged so far durable. Returns the LSN up to which.

        At durability "commit" everything is, and this costs nothing.

        Raises:
            StoreFailed, DiskFull: the disk failed, now or earlier, and something is not durable.
            StoreClosed: the store was closed.
        """
        acknowledged = self._map.lsn
        if self._closed or self._log.durable_lsn < acknowledged:
            with self._commit.exclusive():
                self._commit.check()
                self._sync()
        return self._log.durable_lsn

    def checkpoint(self) -> int:
        """Write a snapshot and drop the log it replaces. Returns the snapshot's LSN.

        See `checkpoints` for the commit point. Writers go on meanwhile.

        Raises:
            DiskFull: no room for the snapshot; the store goes on with its longer log.
            StoreFailed: the disk failed, now or earlier.
            StoreClosed: the store was closed.
        """
        return self._checkpoints.checkpoint()

    # ------------------------------------------------------------------- status

    def stats(self) -> StoreStats:
        """Sizes and counters. Cheap; also of a closed store."""
        log, checkpoints = self._log, self._checkpoints
        with self._map_lock:
            views, superseded = self._map.versions.readers, self._map.versions.count
            data_bytes = self._map.size_bytes
        return StoreStats(
            keys=len(self._map),
            data_bytes=data_bytes,
            last_lsn=log.next_lsn - 1,
            durable_lsn=log.durable_lsn,
            log_bytes=log.end_offset,
            log_bytes_since_snapshot=checkpoints.log_bytes,
            epoch=log.epoch,
            snapshot_lsn=checkpoints.snapshot_lsn,
            records=self._commit.counts.records,
            groups=self._commit.counts.groups,
            syncs=log.syncs,
            checkpoints=checkpoints.count,
            checkpoint_failure=checkpoints.failure,
            open_views=views,
            superseded=superseded,
            recovery=self._recovery,
        )

    def close(self) -> None:
        """Wait for writers, make all durable, mark the log as closed in good order, let go.

        What was handed in by `put_async` and the like is written first. Safe to call again.
        """
        if self._flusher is not None:
            self._flusher.stop()
        with self._checkpoints.ended(), self._close_lock, self._commit.exclusive():
            if self._closed:
                return
            self._closed, self._look_up = True, self._look_up_closed
            wrote = self._commit.counts.groups > 0 or not self._marked
            if self._commit.refusal is None and wrote:
                # The mark proves to the next reader that all before it was durable. Without
                # it the store is just as safe: it is then recovered as after a crash.
                with suppress(OSError):
                    self._log.sync()
                    self._log.mark()
            self._commit.refuse(StoreClosed())
            self._views.close_all()
            self._log.close()
            self._lock.release()
        self._commit.stop()

    # ------------------------------------------------ what the leader of a group does

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
        """Sync the log, alone with it; a failure is the end."""
        try:
            self._log.sync()
        except OSError as cause:
            error = explain(cause)
            with suppress(OSError):  # the disk has failed: what can be undone is a bonus
                self._log.cut_unsynced()
            self._commit.refuse(StoreFailed(f"an earlier sync failed: {error}"))
            raise error from cause

    def _sync_in_background(self) -> None:
        # The group that asked for this sync may be in the log and not in the map yet, so the log
        # says what is to be synced, once that group is done. A failure is kept by the committer:
        # the next writer is told.
        with suppress(StoreFailed, DiskFull, StoreClosed), self._commit.exclusive():
            self._commit.check()
            if self._log.unsynced:
                self._sync()

    # ----------------------------------------------------------------- recovery

    def _recover(self) -> tuple[wal.Log, Recovery]:
        """Read the folder back with `recoverer_type`; fills the map."""
        started_s = self.clock.monotonic_s()
        mode = recovery_mode(self.options.recovery)
        found = self.recoverer_type(
            self.disk, self.path, mode, self.log_type, self.snapshot_type
        ).recover()
        self._map.fill(found.values, found.log.next_lsn - 1)
        found.log.segment_bytes = self.options.segment_bytes
        elapsed_ms = (self.clock.monotonic_s() - started_s) * 1000
        return found.log, Recovery(
            snapshot_lsn=found.snapshot_lsn,
            records=found.records,
            torn_bytes=found.torn_bytes,
            log_bytes=found.log_bytes,
            after_crash=not found.is_clean,
            recover_ms=elapsed_ms,
            damage=found.damage,
        )


def _flusher(durability: Durability, sync: Callable[[], None]) -> Background | None:
    """The thread that syncs now and then, where the level wants one."""
    if not isinstance(durability, Interval) or durability.ms is None:
        return None
    return Background("veristore-sync", sync, delay_s=durability.ms / 1000)


def open_store(
    path: str | Path,
    *,
    durability: Durability = "commit",
    recovery: str = "point-in-time",
    segment_bytes: int = SEGMENT_BYTES,
    checkpoint_bytes: int | None = CHECKPOINT_BYTES,
    disk: Disk | None = None,
    clock: Clock | None = None,
    store_type: type[Store] = Store,
) -> Store:
    """Open the store in a folder, making it if there is none, and recover it after a crash.

    Args:
        path: the folder.
        durability: "commit": a write returns when it is durable. `Interval(writes=n)`,
            `Interval(ms=n)` and "none" return earlier; `durability` says what may be lost then.
        recovery: what to do about damage that is no torn tail; the modes of RocksDB:
            "point-in-time", "tolerate-corrupted-tail", "absolute-consistency" and
            "skip-any-corrupted". See `recovery`.
        segment_bytes: the log goes on in a new file when the newest has at least this length.
        checkpoint_bytes: a snapshot is written in the background when the log has at least
            this length; None for never (but see `Store.checkpoint`).
        disk, clock: other ones than the machine's, for tests and simulation.
        store_type: a subclass of `Store`.

    Raises:
        StoreLocked: another process (or this one) has it open.
        NotAStore: the path holds something else, or a store of a newer version.
        StoreCorrupt: the log is damaged, and the mode refuses damage; or a snapshot is, and the
            log does not cover what it held. Nothing is changed.
        DiskFull, StoreFailed: the disk failed.
        InvalidInput: an option that is none; nothing was touched.
    """
    options = StoreOptions(durability, recovery, segment_bytes, checkpoint_bytes)
    try:
        return store_type(disk or RealDisk(), clock or RealClock(), Path(path).absolute(), options)
    except OSError as cause:
        raise explain(cause) from cause
