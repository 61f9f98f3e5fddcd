"""Group commit: many writers, one write and one sync.

Each writer queues its record. Who finds nobody at work becomes the leader: it takes all that
is queued, has it appended and synced in one go, and applies it; then it wakes exactly the
writers of its group, each by a lock of its own, and hands the lead to the first one waiting.
While a leader syncs, the next group gathers, so groups grow with the load and with the
slowness of the disk, and a lone writer pays for no hand-over. (DeWitt et al., "Implementation
Techniques for Main Memory Database Systems", 1984; the leader and its group as in LevelDB.)

**Commit point**: the return of `append` (see `log`). A writer returns after it, and only then
do readers see its change.
"""

from __future__ import annotations

import errno
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from veristack_lab.errors import DiskFull, StoreError, StoreFailed
from veristack_lab.veristore.mutations import Change

MAX_GROUP_BYTES = 16 * 1024 * 1024
"""A group takes no further record beyond this; a single larger record is a group alone."""

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)

Append = Callable[[Sequence[int], Sequence[bytes]], int]


class _Waiter:
    """One writer: its record, and the lock that wakes it."""

    __slots__ = ("changes", "done", "error", "kind", "leads", "lsn", "payload", "signal")

    def __init__(self, kind: int, payload: bytes | None, changes: Sequence[Change]) -> None:
        self.kind = kind
        self.payload = payload
        """None for one that wants to be alone with the log."""
        self.changes = changes
        self.lsn = 0
        self.done = False
        self.leads = False
        self.error: StoreError | None = None
        self.signal: threading.Lock | None = None


@dataclass(frozen=True)
class CommitCounts:
    """What the committer has done since the store was opened."""

    records: int
    groups: int
    """One sync each."""


class GroupCommit:
    """Serialises writers into groups.

    Args:
        append: makes records durable and returns the first LSN; raises `OSError`.
        apply: makes the changes of a durable group visible, in log order.
        undo: after a failed append, takes back what may have been written; raises `OSError`.
    """

    def __init__(
        self,
        append: Append,
        apply: Callable[[Sequence[Sequence[Change]]], None],
        undo: Callable[[], None],
    ) -> None:
        self._append = append
        self._apply = apply
        self._undo = undo
        self._mutex = threading.Lock()
        self._queue: deque[_Waiter] = deque()
        self._led = False
        self._refusal: StoreError | None = None
        self._records = 0
        self._groups = 0

    @property
    def counts(self) -> CommitCounts:
        """Records and groups so far."""
        return CommitCounts(self._records, self._groups)

    @property
    def refusal(self) -> StoreError | None:
        """Why no more writes are taken, or None."""
        return self._refusal

    def commit(self, kind: int, payload: bytes, changes: Sequence[Change]) -> int:
        """Make one record durable and visible. Returns its LSN.

        Raises:
            StoreFailed: a write or sync failed, now or earlier.
            DiskFull: there was no room.
            StoreClosed: the store was closed.
        """
        waiter = _Waiter(kind, payload, changes)
        self._take_turn(waiter)
        if not waiter.done:
            self._lead()
        if waiter.error is not None:
            raise _copy(waiter.error)
        return waiter.lsn

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Be alone with the log: groups before are done, groups after have not begun."""
        waiter = _Waiter(0, None, ())
        self._take_turn(waiter)
        with self._mutex:
            self._queue.remove(waiter)
        try:
            yield
        finally:
            self._hand_over(())

    def refuse(self, reason: StoreError) -> None:
        """Take no more writes, and fail those that wait. The first reason stays."""
        with self._mutex:
            if self._refusal is None:
                self._refusal = reason
            refused = [waiter for waiter in self._queue if waiter.payload is not None]
            refused = [waiter for waiter in refused if not waiter.leads]
            for waiter in refused:
                self._queue.remove(waiter)
                waiter.error, waiter.done = self._refusal, True
        for waiter in refused:
            if waiter.signal is not None:
                waiter.signal.release()

    def _take_turn(self, waiter: _Waiter) -> None:
        """Queue up; return when the record is done, or when it is this thread's turn to lead."""
        try:
            with self._mutex:
                if self._refusal is not None and waiter.payload is not None:
                    raise _copy(self._refusal)
                self._queue.append(waiter)
                if not self._led:
                    self._led = waiter.leads = True
                    return
                signal = waiter.signal = threading.Lock()
                signal.acquire()
            signal.acquire()  # until a leader releases it
        except BaseException:  # Ctrl-C: nobody will be here to lead or to listen
            self._walk_away(waiter)
            raise

    def _walk_away(self, waiter: _Waiter) -> None:
        with self._mutex:
            led = waiter.leads
            with suppress(ValueError):  # a leader may have taken the record already
                self._queue.remove(waiter)
        if led:
            self._hand_over(())

    def _lead(self) -> None:
        group = self._take_group()
        error: StoreError | None = None
        interrupt: BaseException | None = None
        try:
            first, interrupt = self._append_whole(group)
            self._apply([waiter.changes for waiter in group])
            for number, waiter in enumerate(group):
                waiter.lsn = first + number
            self._records += len(group)
            self._groups += 1
        except OSError as cause:
            error = explain(cause)
        except BaseException as cause:  # noqa: BLE001 whatever it is, the group must be released
            error = StoreFailed(f"a write was broken off ({cause!r}); close and reopen the store")
            interrupt = cause
        try:
            if error is not None:
                with suppress(OSError):  # the disk has failed: what can be undone is a bonus
                    self._undo()
        finally:
            self._release(group, error)
        if interrupt is not None:
            raise interrupt

    def _release(self, group: Sequence[_Waiter], error: StoreError | None) -> None:
        for waiter in group:
            waiter.error, waiter.done = error, True
        if error is not None:
            self.refuse(StoreFailed(f"an earlier write failed: {error}"))
        self._hand_over(group)

    def _append_whole(self, group: Sequence[_Waiter]) -> tuple[int, BaseException | None]:
        """Append; on Ctrl-C in the middle do it again, and report the key press after.

        Again is harmless: the same bytes go to the same place, or, if the key was pressed
        after the sync, the same changes follow themselves.
        """
        kinds = [waiter.kind for waiter in group]
        payloads = [waiter.payload for waiter in group if waiter.payload is not None]
        interrupt: BaseException | None = None
        while True:
            try:
                return self._append(kinds, payloads), interrupt
            except KeyboardInterrupt as pressed:
                interrupt = pressed

    def _take_group(self) -> list[_Waiter]:
        with self._mutex:
            queue, group, size = self._queue, [self._queue.popleft()], 0
            while queue and (payload := queue[0].payload) is not None and size < MAX_GROUP_BYTES:
                size += len(payload)
                group.append(queue.popleft())
            return group

    def _hand_over(self, group: Sequence[_Waiter]) -> None:
        for waiter in group:
            if not waiter.leads and waiter.signal is not None:
                waiter.signal.release()
        with self._mutex:
            if not self._queue:
                self._led = False
                return
            successor = self._queue[0]
            successor.leads = True
        if successor.signal is not None:
            successor.signal.release()


def _copy(error: StoreError) -> StoreError:
    """A fresh instance: each thread gets a traceback of its own."""
    return type(error)(str(error))


def explain(cause: OSError) -> StoreError:
    """The lab's error for a failure of the disk."""
    if cause.errno in _NO_ROOM:
        return DiskFull(
            f"the disk has no room ({cause}); this write is not acknowledged, and nothing "
            "acknowledged is lost. Free some space, then close and reopen the store"
        )
    return StoreFailed(
        f"the disk failed ({cause}); this write is not acknowledged, and no more are taken. "
        "Reads still answer. Find out what ails the disk, then close and reopen the store"
    )
