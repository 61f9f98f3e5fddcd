"""Group commit: many writers, one write and one sync.

Each writer queues its record. A writer that finds no leader becomes the leader: it takes all
queued records, appends and syncs them in one step, and applies them; then it wakes exactly the
writers of its group, each by a lock of its own (see `chain`), and the lead goes to the first
writer in the queue. A lone writer pays for no hand-over. (DeWitt et al., "Implementation
Techniques for Main Memory Database Systems", 1984; the leader and its group as in LevelDB.)

A record queued with `submit` has no thread that could lead. When such a record is first in the
queue, the committer's own thread leads; the thread is started when this first happens.

**Commit point**: the return of `append` (see `log`). A writer returns after it, and only then
do readers see its change.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial

from veristack_lab.errors import StoreError, StoreFailed
from veristack_lab.veristore.commit.background import Background
from veristack_lab.veristore.commit.chain import wake_in_chain
from veristack_lab.veristore.commit.handles import CommitHandle, Waiter
from veristack_lab.veristore.commit.pending import MAX_PENDING, Pending
from veristack_lab.veristore.failures import copy, explain
from veristack_lab.veristore.wal.mutations import Change

MAX_GROUP_BYTES = 16 * 1024 * 1024
"""A group of this size takes no further record; a larger record is a group of its own."""

Append = Callable[[Sequence[int], Sequence[bytes]], int]


@dataclass(frozen=True)
class CommitCounts:
    """What the committer has done since the store was opened."""

    records: int
    groups: int


class GroupCommit:
    """Serialises writers into groups.

    Args:
        append: makes records durable and returns the first LSN; raises `OSError`.
        apply: makes the changes of a durable group visible, in log order.
        undo: after a failed append, removes what may have been written; raises `OSError`.
        max_pending: at most n records queued with `submit` may wait (see `pending`).
    """

    def __init__(
        self,
        append: Append,
        apply: Callable[[Sequence[Iterable[Change]]], None],
        undo: Callable[[], None],
        *,
        max_pending: int = MAX_PENDING,
    ) -> None:
        self._append = append
        self._apply = apply
        self._undo = undo
        self._mutex = threading.Lock()
        self._queue: deque[Waiter] = deque()
        self._leader: Waiter | None = None
        """The first in the queue, or just taken from it. None: the queue is empty."""
        self._refusal: StoreError | None = None
        self._records = 0
        self._groups = 0
        self._pending = Pending(max_pending)
        self._committer = Background("veristore-commit", self._lead_for_handles)

    @property
    def counts(self) -> CommitCounts:
        """Records and groups so far."""
        return CommitCounts(self._records, self._groups)

    @property
    def refusal(self) -> StoreError | None:
        """Why no more writes are taken, or None."""
        return self._refusal

    def check(self) -> None:
        """Raises why no more writes are taken, if so: `StoreFailed` or `StoreClosed`."""
        if self._refusal is not None:
            raise copy(self._refusal)

    def commit(self, kind: int, payload: bytes, changes: Iterable[Change]) -> int:
        """Make one record durable and visible. Returns its LSN.

        Raises:
            StoreFailed: a write or sync failed, now or earlier.
            DiskFull: there was no room.
            StoreClosed: the store was closed.
        """
        waiter = Waiter(kind, payload, changes)
        try:
            self._take_turn(waiter)
            if not waiter.done:
                self._lead(waiter)
        except BaseException:  # Ctrl-C: this thread will neither lead nor wait
            self._walk_away(waiter)
            raise
        if waiter.error is not None:
            raise copy(waiter.error)
        return waiter.lsn

    def submit(
        self,
        kind: int,
        payload: bytes,
        changes: Iterable[Change],
        max_pending: int | None = None,
    ) -> CommitHandle:
        """Queue one record. The handle tells when the record is durable.

        Returns at once if fewer than `max_pending` records wait (None: the committer's limit);
        otherwise sleeps until there is room.

        Raises:
            StoreFailed: a write or sync failed, before or while this call waited.
            StoreClosed: the store was closed.
            InvalidInput: `max_pending` is below 1.
        """
        handle = CommitHandle()
        waiter = Waiter(kind, payload, changes, handle)
        try:
            while (signal := self._enter(waiter, max_pending)) is not None:
                self._committer.request()  # Ctrl-C may have come before the request
                self._pending.sleep(self._mutex, signal)
            if waiter.leads:
                self._committer.request()
        except KeyboardInterrupt:
            if waiter.leads:  # still written: other records may already wait behind it
                self._committer.request()
            raise
        return handle

    async def room(self, max_pending: int | None = None) -> None:
        """Return when `submit` would not sleep; raises what `submit` raises. Reserves no place."""
        await self._pending.room(self._mutex, lambda: self._must_wait(max_pending))

    def _enter(self, waiter: Waiter, max_pending: int | None) -> threading.Lock | None:
        """Queue a record of `submit`. If there is no room, returns the lock to sleep on first."""
        with self._mutex:
            if self._must_wait(max_pending):
                return self._pending.sleeper()
            self._pending.add(waiter)
            self._queue.append(waiter)
            if self._leader is None:
                waiter.leads, self._leader = True, waiter
        return None

    def _must_wait(self, max_pending: int | None) -> bool:
        """Whether one more record must wait for room. Not in a thread that leads, or that is
        queued and may lead next: a signal handler there would wait for its own thread."""
        self.check()
        if not self._pending.is_full(max_pending):
            return False
        leads = [] if self._leader is None else [self._leader]
        this = threading.get_ident()
        return all(waiter.thread != this for waiter in (*leads, *self._queue))

    def disown(self, reason: StoreError) -> None:
        """In a fork: refuse every write, and forget the owner's queue (see `forks`)."""
        self._mutex, self._queue, self._leader = threading.Lock(), deque(), None
        self._refusal = reason

    def stop(self) -> None:
        """End the thread that leads for handles. The queue must be empty."""
        self._committer.stop()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Run the body between two groups: earlier ones are done, later ones have not begun."""
        waiter = Waiter(0, None, ())
        try:
            self._take_turn(waiter)
            with self._mutex:
                self._queue.remove(waiter)
            yield
        finally:
            self._walk_away(waiter)

    def refuse(self, reason: StoreError) -> None:
        """Take no more writes, and fail those that wait. The first reason is kept."""
        with self._mutex:
            if self._refusal is None:
                self._refusal = reason
            refused = [w for w in self._queue if w.payload is not None and not w.leads]
            for waiter in refused:
                self._queue.remove(waiter)
        for waiter in refused:
            waiter.settle(self._refusal)
            waiter.wake()
        with self._mutex:
            self._pending.settled(refused)

    def _take_turn(self, waiter: Waiter) -> None:
        """Queue a record; return when it is done, or when it is this thread's turn to lead."""
        with self._mutex:
            if waiter.payload is not None:
                self.check()
            waiter.thread = threading.get_ident()
            self._queue.append(waiter)
            if self._leader is None:
                waiter.leads, self._leader = True, waiter
                return
            signal = waiter.signal = threading.Lock()
            signal.acquire()
        signal.acquire()  # until the leader, or the writer before it in the chain, releases it
        if waiter.wake_next is not None:
            waiter.wake_next()

    def _walk_away(self, waiter: Waiter) -> None:
        """Give up the waiter's place in the queue and in a chain, and the lead, if it has them."""
        with self._mutex, suppress(ValueError):  # a leader may have taken the record already
            waiter.is_gone = True
            self._queue.remove(waiter)
        if waiter.wake_next is not None:
            waiter.wake_next()
        self._hand_over(waiter)

    def _lead_for_handles(self) -> None:
        """The work of the committer's own thread."""
        with self._mutex:
            leader = self._leader
            if leader is None or leader.handle is None or leader.begun:
                return  # requested twice
            leader.begun, leader.thread = True, threading.get_ident()
        with suppress(BaseException):  # the group was told, and this thread has no caller
            self._lead(leader)

    def _lead(self, leader: Waiter) -> None:
        """Commit a group. Ctrl-C in the middle does not stop it: it is raised after.

        An interrupted step is repeated, which is harmless: the same bytes are written to the same
        place; or, if the interrupt came after the sync, the same changes are applied again; and a
        writer may be woken twice.
        """
        group: list[Waiter] = []
        error: StoreError | None = None
        interrupt: BaseException | None = None
        first_lsn = 0
        while True:
            try:
                if not first_lsn:
                    first_lsn = self._append_group(group)
                self._show(group, first_lsn)
                break
            except KeyboardInterrupt as pressed:
                interrupt = pressed
            except OSError as cause:
                error = explain(cause)
                break
            except BaseException as cause:  # noqa: BLE001 the group must be released after any error
                error = StoreFailed(f"a write was broken off ({cause!r}); close and reopen it")
                interrupt = cause
                break
        if error is not None:
            interrupt = self._take_back() or interrupt
        while True:
            try:
                self._release(leader, group, error)
                break
            except KeyboardInterrupt as pressed:
                interrupt = pressed
        if interrupt is not None:
            raise interrupt

    def _append_group(self, group: list[Waiter]) -> int:
        """Take a group and make it durable. Returns the LSN of its first record."""
        self._take_group(group)
        payloads = [waiter.payload for waiter in group if waiter.payload is not None]
        return self._append([waiter.kind for waiter in group], payloads)

    def _show(self, group: Sequence[Waiter], first_lsn: int) -> None:
        """Let readers see a group."""
        count = len(group)
        self._apply([waiter.changes for waiter in group])
        for number, waiter in enumerate(group):
            waiter.lsn = first_lsn + number
        # No call from here on, so Ctrl-C cannot interrupt it and nothing is counted twice.
        self._records += count
        self._groups += 1

    def _take_back(self) -> BaseException | None:
        """Undo a failed append. The group must be released even if this fails."""
        try:
            self._undo()
        except OSError:
            return None  # the disk has failed: undo is best effort
        except BaseException as cause:  # noqa: BLE001 raised again by the caller
            return cause
        return None

    def _release(self, leader: Waiter, group: Sequence[Waiter], error: StoreError | None) -> None:
        """Tell the group and give up the lead."""
        if error is not None:
            self.refuse(StoreFailed(f"an earlier write failed: {error}"))
        sleepers: list[Waiter] = []
        for waiter in group:
            waiter.settle(error)
            if waiter.signal is not None and not waiter.leads:
                sleepers.append(waiter)
        if self._pending:
            with self._mutex:
                self._pending.settled(group)
        self._wake(leader, sleepers)

    def _wake(self, leader: Waiter, sleepers: Sequence[Waiter]) -> None:
        """Wake the writers of a group; the last to wake hands on the lead."""
        if sleepers:
            wake_in_chain(sleepers, self._mutex, partial(self._hand_over, leader))
        else:
            self._hand_over(leader)

    def _take_group(self, group: list[Waiter]) -> None:
        """Move records from the queue to the group, which may hold some from before Ctrl-C."""
        with self._mutex:
            queue, size = self._queue, 0
            if group and queue and queue[0] is group[-1]:
                queue.popleft()
            while queue and (payload := queue[0].payload) is not None and size < MAX_GROUP_BYTES:
                size += len(payload) if group else 0
                group.append(queue[0])
                queue.popleft()

    def _hand_over(self, leader: Waiter) -> None:
        """If `leader` leads, let the first in the queue lead."""
        with self._mutex:
            if self._leader is leader:
                successor = self._queue[0] if self._queue else None
                if successor is not None:
                    successor.leads = True
                self._leader = successor
            else:
                successor = self._leader
        if successor is None or not leader.leads:
            return
        if successor.handle is not None:
            self._committer.request()
        else:
            successor.wake()
