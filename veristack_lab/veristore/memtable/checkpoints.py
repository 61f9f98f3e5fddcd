"""Checkpoints: a snapshot takes the place of the log before it.

The order makes an interruption at any step safe: the log made durable; a new segment; the snapshot
under a temporary name, synced; rename, the folder synced (**the commit point**: before it, the
old snapshot and all segments count; after it, the new snapshot and the new segment); only
then the old files are removed.

Writers wait while the log is synced, the segment is begun and a view is opened, which is as
long as one commit group takes. The snapshot is then written from the view, next to them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from veristack_lab.errors import DiskFull, StoreError, StoreFailed
from veristack_lab.veristore.commit.background import Background
from veristack_lab.veristore.commit.group import GroupCommit
from veristack_lab.veristore.failures import explain
from veristack_lab.veristore.memtable.snapshot import SnapshotWriter
from veristack_lab.veristore.memtable.views import SnapshotView, Views
from veristack_lab.veristore.wal.log import Log


class Checkpointer:
    """Writes the snapshots of one store, when told to and when the log has grown enough.

    Args:
        log, commit, views, writer: those of the store.
        snapshot_lsn: LSN of the newest snapshot; 0 for none.
        log_bytes: what recovery has just read of the log.
        limit_bytes: the length of log from which a snapshot is written in the background, by a
            thread that lives as long as this; None for never.
    """

    def __init__(
        self,
        log: Log,
        commit: GroupCommit,
        views: Views,
        writer: SnapshotWriter,
        *,
        snapshot_lsn: int,
        log_bytes: int,
        limit_bytes: int | None,
    ) -> None:
        self._log, self._commit, self._views, self._writer = log, commit, views, writer
        self._mutex = threading.Lock()
        self._limit_bytes = limit_bytes
        self._log_bytes_before = log_bytes
        self._due_bytes = limit_bytes
        self._background = Background("veristore-checkpoint", self._in_background)
        self.snapshot_lsn = snapshot_lsn
        """LSN of the newest snapshot; 0 for none."""
        self.count = 0
        """Snapshots written."""
        self.failure = ""
        """Why the last background snapshot failed; empty if it did not."""

    @property
    def log_bytes(self) -> int:
        """Length of the log that the newest snapshot does not replace."""
        return self._log_bytes_before + self._log.appended_bytes

    def request_if_due(self) -> None:
        """Request a background snapshot if the log has grown enough. Never waits."""
        if self._due_bytes is not None and self.log_bytes >= self._due_bytes:
            self._background.request()

    def checkpoint(self) -> int:
        """Write a snapshot and drop the log it replaces. Returns the snapshot's LSN.

        Raises:
            DiskFull: no room for the snapshot; the store goes on with its longer log.
            StoreFailed: the disk failed, now or earlier.
            StoreClosed: the store was closed.
        """
        with self._mutex:
            try:
                return self._checkpoint()
            except OSError as cause:
                error = explain(cause)
                if not isinstance(error, DiskFull):
                    self._commit.refuse(StoreFailed(f"an earlier checkpoint failed: {error}"))
                raise error from cause

    @contextmanager
    def ended(self) -> Iterator[None]:
        """Wait for the snapshot that is being written, by any thread, and prevent further ones.

        No more are written in the background, during this and after it.
        """
        self._background.stop()
        with self._mutex:
            yield

    def disown(self) -> None:
        """In a fork: replace the owner's locks, so that callers are refused and never block."""
        self._mutex = threading.Lock()

    def _checkpoint(self) -> int:
        self._views.prune()
        with self._commit.exclusive():
            self._commit.check()
            lsn = self._log.next_lsn - 1
            if lsn == self.snapshot_lsn:
                return lsn
            epoch = self._rotate()
            log_bytes_before = self._log.end_offset - self._log.appended_bytes
            view = self._views.open(SnapshotView)
        with view:
            temporary = self._writer.write(lsn, epoch, view.columns())
        self._writer.publish(temporary, lsn)
        self.snapshot_lsn, self._log_bytes_before = lsn, log_bytes_before
        self.failure, self._due_bytes = "", self._limit_bytes
        self.count += 1
        self._writer.remove_older(lsn, epoch)
        return lsn

    def _rotate(self) -> int:
        try:
            return self._log.rotate()
        except OSError as cause:
            # The new segment may have got its name: recovery would not see an append to the old
            # one. So the store fails here, even if only space is missing.
            error = explain(cause)
            self._commit.refuse(StoreFailed(f"an earlier checkpoint failed: {error}"))
            raise error from cause

    def _in_background(self) -> None:
        if self._limit_bytes is None or self.log_bytes < (self._due_bytes or 0):
            return  # another thread has just written one
        try:
            self.checkpoint()
        except StoreError as error:
            # No caller waits for this snapshot: `stats` reports the error and, if the disk failed,
            # so does the next write. After a full disk the next attempt is made when the log has
            # grown.
            self.failure = str(error)
            self._due_bytes = self.log_bytes + self._limit_bytes
        except BaseException as error:  # noqa: BLE001 a thread has no caller to raise it to
            self.failure = f"broken off ({error!r})"
            self._commit.refuse(StoreFailed(f"a checkpoint was {self.failure}; reopen the store"))
