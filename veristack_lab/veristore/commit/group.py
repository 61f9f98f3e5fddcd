"""Group commit: many writers, one write and one sync.

Each writer queues its record. Who finds nobody at work becomes the leader: it takes all that
is queued, has it appended and synced in one go, and applies it; then it wakes exactly the
writers of its group, each by a lock of its own, and hands the lead to the first one waiting. A
lone writer pays for no hand-over. (DeWitt et al., "Implementation Techniques for Main Memory
Database Systems", 1984; the leader and its group as in LevelDB.)

**Waking in a chain.** The leader wakes one writer, that one the next, and the last hands on the
lead. Woken all at once, they would all fight for the interpreter's lock, and each would sleep
and wake twice. And as the lead comes behind the woken, the next leader finds them back with
their next records: the groups are whole, without anybody waiting for a time.

A record handed in by `submit` has no thread that could lead. When it is first in the queue, a
thread of the committer's own leads; it is started when that first happens.

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
from itertools import pairwise

from veristack_lab.errors import StoreError, StoreFailed
from veristack_lab.veristore.commit.background import Background
from veristack_lab.veristore.commit.handles import CommitHandle, Waiter
from veristack_lab.veristore.commit.pending import MAX_PENDING, Pending
from veristack_lab.veristore.failures import copy, explain
from veristack_lab.veristore.wal.mutations import Change

MAX_GROUP_BYTES = 16 * 1024 * 1024
"""A group takes no further record beyond this; a single larger record is a group alone."""

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
        undo: after a failed append, takes back what may have been written; raises `OSError`.
        max_pending: how many records handed in with `submit` may wait (see `pending`).
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
        """Always the first in the queue, or just taken from it. Nobody: the queue is empty."""
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
        except BaseException:  # Ctrl-C: nobody will be here to lead or to listen
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
        """Hand in one record. The handle tells when it is durable.

        Returns at once while fewer than `max_pending` (None: as many as the committer was told)
        wait; else sleeps until that is so.

        Raises:
            StoreFailed: a write or sync failed, before or while this call waited.
            StoreClosed: the store was closed.
            InvalidInput: `max_pending` is below 1.
        """
        handle = CommitHandle()
        waiter = Waiter(kind, payload, changes, handle)
        try:
            while (signal := self._enter(waiter, max_pending)) is not None:
                self._committer.request()  # Ctrl-C may have kept it from being asked
                self._pending.sleep(self._mutex, signal)
            if waiter.leads:
                self._committer.request()
        except KeyboardInterrupt:
            if waiter.leads:  # it is written all the same: others may already stand behind it
                self._committer.request()
            raise
        return handle

    async def room(self, max_pending: int | None = None) -> None:
        """Return when `submit` would not sleep; raises as it does. Reserves nothing."""
        await self._pending.room(self._mutex, lambda: self._must_wait(max_pending))

    def _enter(self, waiter: Waiter, max_pending: int | None) -> threading.Lock | None:
        """Queue up what was handed in; if there is no room, what to sleep on first."""
        with self._mutex:
            if self._must_wait(max_pending):
                return self._pending.sleeper()
            self._pending.add(waiter)
            self._queue.append(waiter)
            if self._leader is None:
                waiter.leads, self._leader = True, waiter
        return None

    def _must_wait(self, max_pending: int | None) -> bool:
        """Whether one more record must wait for room. The thread that leads, or that stands in
        the queue and may lead next, must not: a signal handler that runs there waits for itself.
        """
        self.check()
        if not self._pending.is_full(max_pending):
            return False
        leads = [] if self._leader is None else [self._leader]
        this = threading.get_ident()
        return all(waiter.thread != this for waiter in (*leads, *self._queue))

    def disown(self, reason: StoreError) -> None:
        """In a fork: refuse every write, and forget those of the owner (see `forks`)."""
        self._mutex, self._queue, self._leader = threading.Lock(), deque(), None
        self._refusal = reason

    def stop(self) -> None:
        """End the thread that leads for handles. Nothing may be in the queue any more."""
        self._committer.stop()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Be alone with the log: groups before are done, groups after have not begun."""
        waiter = Waiter(0, None, ())
        try:
            self._take_turn(waiter)
            with self._mutex:
                self._queue.remove(waiter)
            yield
        finally:
            self._walk_away(waiter)

    def refuse(self, reason: StoreError) -> None:
        """Take no more writes, and fail those that wait. The first reason stays."""
        with self._mutex:
            if self._refusal is None:
                self._refusal = reason
            refused = [waiter for waiter in self._queue if waiter.payload is not None]
            refused = [waiter for waiter in refused if not waiter.leads]
            for waiter in refused:
                self._queue.remove(waiter)
        for waiter in refused:
            waiter.settle(self._refusal)
            waiter.wake()
        with self._mutex:
            self._pending.settled(refused)

    def _take_turn(self, waiter: Waiter) -> None:
        """Queue up; return when the record is done, or when it is this thread's turn to lead."""
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
        signal.acquire()  # until a leader, or the one before in its chain, releases it
        if waiter.wake_next is not None:
            waiter.wake_next()

    def _walk_away(self, waiter: Waiter) -> None:
        """Give up a place in the queue or a chain, if there is one, and the lead, if it was got."""
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
                return  # asked twice
            leader.begun, leader.thread = True, threading.get_ident()
        with suppress(BaseException):  # the group was told: there is nobody else to tell here
            self._lead(leader)

    def _lead(self, leader: Waiter) -> None:
        """Commit a group. Ctrl-C in the middle does not stop it: it is raised after.

        A step that was interrupted is done again. Again is harmless: the same bytes go to the
        same place, or, if the key was pressed after the sync, the same changes follow
        themselves; and who was woken is not harmed by being woken again.
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
            except BaseException as cause:  # noqa: BLE001 the group must be released, whatever it is
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
        # No call from here on: Ctrl-C cannot come between, so nothing is counted twice.
        self._records += count
        self._groups += 1

    def _take_back(self) -> BaseException | None:
        """Undo a failed append. Whatever happens here, the group must still be released."""
        try:
            self._undo()
        except OSError:
            return None  # the disk has failed: what can be undone is a bonus
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
        """Wake them in a chain, whose end hands on the lead."""
        if not sleepers:
            self._hand_over(leader)
            return
        main_thread = threading.main_thread().ident
        with self._mutex:
            chain: list[Waiter] = []
            for waiter in sleepers:
                if waiter.thread == main_thread:
                    waiter.wake()  # Ctrl-C may strike there, so nobody else depends on it
                elif not waiter.is_gone:
                    chain.append(waiter)
            for waiter, follower in pairwise(chain):
                waiter.wake_next = follower.wake
            if chain:
                chain[-1].wake_next = partial(self._hand_over, leader)
        if chain:
            chain[0].wake()
        else:
            self._hand_over(leader)

    def _take_group(self, group: list[Waiter]) -> None:
        """Move records from the queue into the group, which may have some from before Ctrl-C."""
        with self._mutex:
            queue, size = self._queue, 0
            if group and queue and queue[0] is group[-1]:
                queue.popleft()
            while queue and (payload := queue[0].payload) is not None and size < MAX_GROUP_BYTES:
                size += len(payload) if group else 0
                group.append(queue[0])
                queue.popleft()

    def _hand_over(self, leader: Waiter) -> None:
        """Let the first in the queue lead, if this one did."""
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
