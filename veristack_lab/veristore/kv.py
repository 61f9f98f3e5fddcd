"""The key-value store: a map in memory, made durable by the log and by snapshots.

**What OK means.** A write returns after the sync of its commit group (see `log`): from then
on it survives a power cut. A write that did not return may be found after a crash or not,
but only as a whole. Readers see only what is durable. (`durability` can lower this promise, and
says exactly how far.)

    store = veristore.open("folder")
    store.put(b"key", b"value")

In the folder: `LOCK`, segments `log-EPOCH`, snapshots `snapshot-LSN`, and `*.tmp` files, which are
never read and are removed at open.

`Store` is built in parts: `opened` (lock and recovery), `reading`, `leading` (what the leader of a
commit group does), and the writing side and status here.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

from veristack_lab.errors import StoreClosed, StoreForked, StoreReadOnly
from veristack_lab.runtime.clock import Clock, RealClock
from veristack_lab.veristore import forks
from veristack_lab.veristore.commit.durability import Durability
from veristack_lab.veristore.commit.handles import CommitHandle
from veristack_lab.veristore.commit.pending import MAX_PENDING
from veristack_lab.veristore.disk import Disk, RealDisk
from veristack_lab.veristore.leading import StoreLeading
from veristack_lab.veristore.opening import explain_opening, folder_of
from veristack_lab.veristore.options import CHECKPOINT_BYTES, SEGMENT_BYTES, StoreOptions
from veristack_lab.veristore.status import Recovery, StoreStats
from veristack_lab.veristore.wal import writes
from veristack_lab.veristore.wal.mutations import Batch

__all__ = ["Recovery", "Store", "StoreStats", "open_store"]


class Store(StoreLeading):
    """One open store. Thread-safe. Made by `open_store` (public name: `veristore.open`).

    It belongs to the process that opened it. In a fork of that process every method raises
    `StoreForked`, except `close`, which does nothing there (see `forks`).
    """

    def __init__(
        self, disk: Disk, clock: Clock, folder: Path, options: StoreOptions | None = None
    ) -> None:
        super().__init__(disk, clock, folder, options)
        self._marked = not self._recovery.after_crash
        if self.options.read_only:
            self._commit.refuse(StoreReadOnly())
        forks.own(self)

    def __repr__(self) -> str:
        state = "closed" if self._closed else "failed" if self._commit.refusal else "open"
        if self.options.read_only and not self._closed:
            state = "read-only"
        if self.is_inherited:
            return f"<Store {self.path.name!r} of the process that opened it>"
        return f"<Store {self.path.name!r} {state}, {len(self._map):,} keys>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

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
            KeyTooLarge, InvalidInput: the key is not a valid one.
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

        If a key repeats, the last value wins.

        Raises:
            InvalidInput: there are no pairs, or one is not a pair of bytes.
            KeyTooLarge, ValueTooLarge: a key, a value or the whole is too large; nothing was
                written.
            StoreFailed, DiskFull, StoreClosed: see `GroupCommit.commit`.
        """
        return self._commit.commit(*writes.put_many(pairs))

    def put_async(
        self, key: bytes, value: bytes, *, max_pending: int | None = None
    ) -> CommitHandle:
        """Queue a put and return at once.

        Errors that can be detected before queuing are raised at once, as by `put`.

        The handle's `wait()`, or an `await` of the handle, returns when `put` would have returned.

        At most `max_pending` queued writes wait in memory. When that limit is reached, this call
        blocks its thread until a commit group is done. In an event loop, `await store.room()`
        first: the loop then runs other tasks until there is room.

        Args:
            key, value: as for `put`.
            max_pending: limit for this call instead of the store's.
        """
        return self._commit.submit(*writes.put(key, value), max_pending)

    def delete_async(self, key: bytes, *, max_pending: int | None = None) -> CommitHandle:
        """Queue a delete; as `put_async`."""
        return self._commit.submit(*writes.delete(key), max_pending)

    def write_async(self, batch: Batch, *, max_pending: int | None = None) -> CommitHandle:
        """Queue a batch; as `put_async`. Later additions to the batch are not written."""
        return self._commit.submit(*writes.batch(batch), max_pending)

    async def room(self, max_pending: int | None = None) -> None:
        """For asyncio: return when one more write can be queued without blocking.

            for key, value in pairs:
                await store.room()
                handle = store.put_async(key, value)

        It reserves no place: call `put_async` before the next `await`. May be cancelled.

        Raises:
            StoreFailed, StoreClosed, StoreReadOnly: no more writes are taken.
        """
        await self._commit.room(max_pending)

    def sync(self) -> int:
        """Make every acknowledged write durable. Returns the LSN of the last durable record.

        At durability "commit" every acknowledged write is durable already, and this costs nothing.

        Raises:
            StoreFailed, DiskFull: the disk failed, now or earlier; an acknowledged write may
                not be durable.
            StoreClosed: the store was closed.
        """
        acknowledged = self._map.lsn
        if self._closed or self._log.durable_lsn < acknowledged:
            with self._commit.exclusive():
                self._commit.check()
                self._sync()
        return self._log.durable_lsn

    def checkpoint(self) -> int:
        """Write a snapshot and remove the log that it replaces. Returns the snapshot's LSN.

        See `checkpoints` for the commit point. Writes continue meanwhile.

        Raises:
            DiskFull: no room for the snapshot; the store keeps its longer log.
            StoreFailed: the disk failed, now or earlier.
            StoreClosed: the store was closed.
        """
        return self._checkpoints.checkpoint()

    # ------------------------------------------------------------------- status

    def stats(self) -> StoreStats:
        """Sizes and counters. Cheap. Works on a closed store; raises `StoreForked` in a fork."""
        self._check_owner()
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
        """Wait for writers, make all writes durable, mark the log as closed, release the folder.

        Writes queued with `put_async` and the like are written first. Safe to call again.
        Does nothing in a fork of the process that opened the store.
        """
        if self.is_inherited:
            return
        if self._flusher is not None:
            self._flusher.stop()
        with self._checkpoints.ended(), self._close_lock, self._commit.exclusive():
            if self._closed:
                return
            self._closed, self._look_up = True, self._look_up_closed
            wrote = self._commit.counts.groups > 0 or not self._marked
            if self._commit.refusal is None and wrote:
                # The mark proves to the next recovery that all records before it are durable. A
                # store without the mark is just as safe: it is recovered as after a crash.
                with suppress(OSError):
                    self._log.sync()
                    self._log.mark()
            self._commit.refuse(StoreClosed())
            self._views.close_all()
            self._log.close()
            self._lock.release()
        self._commit.stop()

    def disown(self) -> None:
        """Runs in a fork of the owner (see `forks`): refuse everything, touch nothing on disk."""
        self._closed, self._why_closed = True, StoreForked
        self._look_up = self._look_up_closed
        self._close_lock, self._map_lock = threading.Lock(), threading.Lock()
        self._views.disown(self._map_lock)
        self._commit.disown(StoreForked())
        self._checkpoints.disown()
        self._log.disown()


def open_store(
    path: str | Path,
    *,
    durability: Durability = "commit",
    recovery: str = "point-in-time",
    segment_bytes: int = SEGMENT_BYTES,
    checkpoint_bytes: int | None = CHECKPOINT_BYTES,
    read_only: bool = False,
    max_pending: int = MAX_PENDING,
    disk: Disk | None = None,
    clock: Clock | None = None,
    store_type: type[Store] = Store,
) -> Store:
    """Open the store in a folder and recover it after a crash. Makes the store if there is none.

    With `read_only` nothing is made, repaired or written, and no lock is taken. So it works on a
    read-only file system, without permission to write, and while another process has the store
    open and writes. The store then shows one moment: a prefix of the writes, with all that were
    acknowledged before the call and perhaps some that were in progress, all of them durable. To
    see later writes, open it again. A shared lock would keep a writer from opening, and is not
    needed: recovery accepts only whole records, and reads files again that change meanwhile.
    Content files of an object store are not copied: when the other process replaces or deletes an
    object, its file may be removed, and reading it raises `ChecksumMismatch`.

    Args:
        path: the folder.
        durability: "commit": a write returns when it is durable. `Interval(writes=n)`,
            `Interval(ms=n)` and "none" return earlier; `durability` says what may be lost then.
        recovery: what to do about damage that is not a torn tail; the modes of RocksDB:
            "point-in-time", "tolerate-corrupted-tail", "absolute-consistency" and
            "skip-any-corrupted". See `recovery`.
        segment_bytes: a new log file is begun when the newest has at least this length, in bytes.
        checkpoint_bytes: a snapshot is written in the background when the log has at least
            this length, in bytes; None for never (but see `Store.checkpoint`).
        read_only: open for reading only; every write raises `StoreReadOnly`.
        max_pending: at most n writes queued with `put_async` and the like wait in memory; the next
            call waits for room.
        disk, clock: used instead of the machine's, for tests and simulation.
        store_type: a subclass of `Store`.

    Raises:
        StoreLocked: another process (or this one) has it open. Never with `read_only`.
        NotAStore: the path holds something else, or a store of a newer version; or it is below a
            file, or is a dangling link. With `read_only`: there is no store.
        StoreNotOpened: the system refused: no permission, a name too long, too many open files.
        StoreCorrupt: the log is damaged, and the mode refuses damage; or a snapshot is, and the
            log does not cover what it held. Nothing is changed.
        DiskFull, StoreFailed: the disk failed.
        InvalidInput: an option or the path is not valid; nothing was touched.
    """
    options = StoreOptions(
        durability, recovery, segment_bytes, checkpoint_bytes, read_only, max_pending
    )
    folder = folder_of(path)
    try:
        return store_type(disk or RealDisk(), clock or RealClock(), folder, options)
    except OSError as cause:
        raise explain_opening(cause, folder) from cause
