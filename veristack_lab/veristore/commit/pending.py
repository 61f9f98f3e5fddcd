"""Writes that were handed in and are not decided yet, and the waiters for room among them.

A program can hand in writes faster than its disk takes them. So at most `limit` of them wait in
memory; a thread that hands in one more sleeps until a commit group is done, and a task waits for
that without stopping its event loop. Every waiter is woken after every group: it looks again, and
may have a limit of its own. So no waiter is left behind, whatever happened to another (cancelled,
interrupted, its loop closed).

Methods without a `mutex` are called under that of the committer.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from veristack_lab.errors import InvalidInput
from veristack_lab.veristore.commit.handles import Waiter

MAX_PENDING = 65_536
"""How many writes that were handed in may wait, if a store is not told otherwise."""


def check_max_pending(max_pending: int) -> None:
    """Raises `InvalidInput` if it is below 1."""
    if max_pending < 1:
        raise InvalidInput(f"max_pending={max_pending}: give 1 or more")


class Pending:
    """The writes handed in to one store.

    Args:
        limit: how many may wait, unless a call gives its own limit.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        # A set, for it is changed in single steps that may be done twice: Ctrl-C loses no count.
        self._waiters: set[Waiter] = set()
        self._wakes: list[Callable[[], object]] = []

    def __len__(self) -> int:
        return len(self._waiters)

    def is_full(self, limit: int | None) -> bool:
        """Whether one more would be too many. Raises `InvalidInput` if the limit is below 1."""
        if limit is not None:
            check_max_pending(limit)
        return len(self._waiters) >= (self._limit if limit is None else limit)

    def add(self, waiter: Waiter) -> None:
        """One more."""
        self._waiters.add(waiter)

    def settled(self, waiters: Sequence[Waiter]) -> None:
        """These were decided: wake all waiters for room. Safe to call again."""
        self._waiters.difference_update(waiters)
        while self._wakes:
            with suppress(RuntimeError):  # called already, before Ctrl-C; or its loop was closed
                self._wakes[-1]()
            self._wakes.pop()

    def sleeper(self) -> threading.Lock:
        """A lock that is held until there may be room."""
        signal = threading.Lock()
        signal.acquire()
        self._wakes.append(signal.release)
        return signal

    def sleep(self, mutex: threading.Lock, signal: threading.Lock) -> None:
        """Sleep until there may be room. For a thread that does not hold the mutex."""
        try:
            signal.acquire()
        except BaseException:
            self._forget(mutex, signal.release)
            raise

    async def room(self, mutex: threading.Lock, must_wait: Callable[[], bool]) -> None:
        """Return when `must_wait`, asked under the mutex, says no. May be cancelled."""
        import asyncio  # imported here: a program without a loop need not load it

        loop = asyncio.get_running_loop()
        while True:
            room = asyncio.Event()
            wake = partial(loop.call_soon_threadsafe, room.set)
            with mutex:
                if not must_wait():
                    return
                self._wakes.append(wake)
            try:
                await room.wait()
            finally:
                self._forget(mutex, wake)

    def _forget(self, mutex: threading.Lock, wake: Callable[[], object]) -> None:
        with mutex, suppress(ValueError):  # it may have been called and dropped
            self._wakes.remove(wake)
