"""The key-value store: a map in memory, made durable by the log and by snapshots.

**What OK means.** A write returns after the sync of its commit group (see `log`): from then
on it survives a power cut. A write that did not return may be found after a crash, or not,
but only as a whole. Readers see nothing that is not durable.

    store = veristore.open("folder")
    store.put(b"key", b"value")

In the folder: `LOCK`, segments `log-EPOCH`, snapshots `snapshot-LSN`, and `*.tmp`, which never
count and are removed at open.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from veristack_lab.errors import (
    DiskFull,
    InvalidInput,
    NotAStore,
    StoreClosed,
    StoreFailed,
)
from veristack_lab.veristore import log as wal
from veristack_lab.veristore import snapshot
from veristack_lab.veristore.clock import Clock, RealClock
from veristack_lab.veristore.commit import GroupCommit, explain
from veristack_lab.veristore.disk import Disk, Lock, RealDisk
from veristack_lab.veristore.mutations import (
    Batch,
    Change,
    RecordType,
    check_key,
    check_value,
    encode_batch,
    encode_put,
)
from veristack_lab.veristore.recovery import Recoverer
from veristack_lab.veristore.sorted_map import SortedMap

LOCK_NAME = "LOCK"
HISTORY_NAME = "shell-history"


@dataclass(frozen=True)
class Recovery:
    """What opening the store found and did."""

    snapshot_lsn: int
    """LSN of the snapshot that was loaded; 0 when there was none."""
    records: int
    """Log records replayed after it."""
    torn_bytes: int
    """Bytes of a torn tail that were cut off. None of them was ever acknowledged."""
    after_crash: bool
    """Whether the store had not been closed in good order."""
    recover_ms: float


@dataclass(frozen=True)
class StoreStats:
    """The store at one moment."""

    keys: int
    data_bytes: int
    """Keys and values in memory."""
    last_lsn: int
    """LSN of the newest durable record; 0 in a new store."""
    log_bytes: int
    """Length of the newest segment."""
    epoch: int
    snapshot_lsn: int
    records: int
    """Records written since the store was opened."""
    syncs: int
    """Commit groups, one sync each, since the store was opened."""
    recovery: Recovery

    @property
    def records_per_sync(self) -> float:
        """Mean size of a commit group; 0 before the first."""
        return self.records / self.syncs if self.syncs else 0.0


class Store:
    """One open store. Thread-safe. Made by `open_store` (public name: `veristore.open`)."""

    log_type: type[wal.Log] = wal.Log
    """What writes the log."""
    recoverer_type: type[Recoverer] = Recoverer
    """What reads the folder back at open."""

    def __init__(self, disk: Disk, clock: Clock, folder: Path) -> None:
        self.path = folder
        self.clock = clock
        self.disk = disk
        self._map = SortedMap()
        self._map_lock = threading.Lock()
        self._checkpoint_lock = threading.Lock()
        self._closed = False
        self._lock: Lock = _lock_folder(disk, folder)
        try:
            self._log, self._recovery = self._recover()
        except BaseException:
            self._lock.release()
            raise
        self._snapshot_lsn = self._recovery.snapshot_lsn
        self._marked = not self._recovery.after_crash
        self._commit = GroupCommit(
            lambda kinds, payloads: self._log.append_group(kinds, payloads),
            self._apply,
            lambda: self._log.cut_unsynced(),
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
        if self._closed:
            raise StoreClosed
        if not isinstance(key, bytes):
            raise InvalidInput(f"a key is bytes, not {type(key).__name__}; encode it first")
        return self._map.get(key)

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
        if self._closed:
            raise StoreClosed
        if limit is not None and limit < 0:
            raise InvalidInput(f"limit is {limit}; give 0 or more, or None for all")
        with self._map_lock:
            return iter(self._map.scan(prefix, start or b"", limit))

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
        check_key(key)
        check_value(value)
        return self._commit.commit(RecordType.PUT, encode_put(key, value), ((key, value),))

    def delete(self, key: bytes) -> int:
        """Remove a key, present or not, durably. Returns the LSN.

        Raises:
            KeyTooLarge, InvalidInput: the key cannot be one.
            StoreFailed, DiskFull, StoreClosed: see `GroupCommit.commit`.
        """
        check_key(key)
        return self._commit.commit(RecordType.DELETE, key, ((key, None),))

    def write(self, batch: Batch) -> int:
        """Make all changes of a batch, durably and atomically. Returns the LSN of the whole.

        Raises:
            InvalidInput: the batch is empty.
            StoreFailed, DiskFull, StoreClosed: see `GroupCommit.commit`.
        """
        changes = tuple(batch.changes)
        if not changes:
            raise InvalidInput("the batch is empty; put or delete something in it first")
        return self._commit.commit(RecordType.BATCH, encode_batch(changes), changes)

    def checkpoint(self) -> int:
        """Write a snapshot and drop the log it replaces. Returns the snapshot's LSN.

        Writers wait only while a new segment is begun and the map's references are copied.
        The order makes each step safe to be cut: new segment; snapshot under a temporary
        name, synced; rename, the folder synced (the commit point: before it, the old snapshot
        and all segments count; after it, the new snapshot and the new segment); only then the
        old files are removed.

        Raises:
            DiskFull: no room for the snapshot; the store goes on with its longer log.
            StoreFailed: the disk failed, now or earlier.
            StoreClosed: the store was closed.
        """
        with self._checkpoint_lock:
            try:
                return self._checkpoint()
            except OSError as cause:
                error = explain(cause)
                if not isinstance(error, DiskFull):
                    self._commit.refuse(StoreFailed(f"an earlier checkpoint failed: {error}"))
                raise error from cause

    def _checkpoint(self) -> int:
        with self._commit.exclusive():
            self._refuse_if_stopped()
            lsn = self._log.next_lsn - 1
            if lsn == self._snapshot_lsn:
                return lsn
            epoch = self._rotate()
            with self._map_lock:
                pairs = self._map.items()
        snapshot.write(self.disk, self.path, lsn, epoch, pairs)
        self._snapshot_lsn = lsn
        self._remove_older(lsn, epoch)
        return lsn

    def _rotate(self) -> int:
        try:
            return self._log.rotate()
        except OSError as cause:
            # The new segment may have got its name: an append to the old one would now be
            # behind the back of recovery. So this is the end, even if only room is missing.
            error = explain(cause)
            self._commit.refuse(StoreFailed(f"an earlier checkpoint failed: {error}"))
            raise error from cause

    def _remove_older(self, lsn: int, epoch: int) -> None:
        names = self.disk.listdir(self.path)
        for old_epoch in wal.list_epochs(names):
            if old_epoch < epoch:
                self.disk.unlink(wal.path_of(self.path, old_epoch))
        for old_lsn in snapshot.list_lsns(names):
            if old_lsn < lsn:
                self.disk.unlink(snapshot.path_of(self.path, old_lsn))

    # ------------------------------------------------------------------- status

    def stats(self) -> StoreStats:
        """Sizes and counters. Cheap; also of a closed store."""
        counts = self._commit.counts
        return StoreStats(
            keys=len(self._map),
            data_bytes=self._map.size_bytes,
            last_lsn=self._log.next_lsn - 1,
            log_bytes=self._log.end_offset,
            epoch=self._log.epoch,
            snapshot_lsn=self._snapshot_lsn,
            records=counts.records,
            syncs=counts.groups,
            recovery=self._recovery,
        )

    def close(self) -> None:
        """Wait for writers, mark the log as closed in good order, let go. Safe to call again."""
        with self._checkpoint_lock, self._commit.exclusive():
            if self._closed:
                return
            self._closed = True
            wrote = self._commit.counts.groups > 0 or not self._marked
            if self._commit.refusal is None and wrote:
                # The mark proves to the next reader that all before it was durable. Without
                # it the store is just as safe: it is then recovered as after a crash.
                with suppress(OSError):
                    self._log.append_group([RecordType.MARK], [b""])
            self._commit.refuse(StoreClosed())
            self._log.close()
            self._lock.release()

    def _apply(self, groups: Sequence[Sequence[Change]]) -> None:
        with self._map_lock:
            for changes in groups:
                self._map.apply(changes)

    def _refuse_if_stopped(self) -> None:
        if self._closed:
            raise StoreClosed
        if self._commit.refusal is not None:
            raise StoreFailed(str(self._commit.refusal))

    # ----------------------------------------------------------------- recovery

    def _recover(self) -> tuple[wal.Log, Recovery]:
        """Read the folder back with `recoverer_type`; fills the map."""
        started_s = self.clock.monotonic_s()
        found = self.recoverer_type(self.disk, self.path, self.log_type).recover()
        self._map.fill(found.values)
        elapsed_ms = (self.clock.monotonic_s() - started_s) * 1000
        return found.log, Recovery(
            found.snapshot_lsn, found.records, found.torn_bytes, not found.is_clean, elapsed_ms
        )


def _lock_folder(disk: Disk, folder: Path) -> Lock:
    """Make the folder if need be, and take its lock; leave what is not ours untouched."""
    if disk.exists(folder):
        if not disk.is_dir(folder):
            raise NotAStore(f"{folder} is a file; a store is a folder. Give an empty or absent one")
        names = disk.listdir(folder)
        ours = wal.list_epochs(names) or snapshot.list_lsns(names) or LOCK_NAME in names
        if names and not ours:
            raise NotAStore(
                f"{folder} holds {len(names)} other files, {names[0]!r} among them; give an "
                "empty or absent folder"
            )
    disk.make_dir(folder)
    return disk.lock(folder / LOCK_NAME)


def open_store(
    path: str | Path,
    *,
    durability: str = "commit",
    disk: Disk | None = None,
    clock: Clock | None = None,
) -> Store:
    """Open the store in a folder, making it if there is none, and recover it after a crash.

    Args:
        path: the folder.
        durability: "commit": a write returns when it is durable. The only level so far.
        disk, clock: other ones than the machine's, for tests and simulation.

    Raises:
        StoreLocked: another process (or this one) has it open.
        NotAStore: the path holds something else, or a store of a newer version.
        StoreCorrupt: the log or the snapshot is damaged before its end. Nothing is changed.
        DiskFull, StoreFailed: the disk failed.
        InvalidInput: an unknown durability.
    """
    if durability != "commit":
        raise InvalidInput(
            f'durability={durability!r} is not there; this version has "commit" only, '
            "where a write returns when it is durable"
        )
    try:
        return Store(disk or RealDisk(), clock or RealClock(), Path(path).absolute())
    except OSError as cause:
        raise explain(cause) from cause
