"""Writes on their way to the disk: with a thread that waits for them, and without."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from veristack_lab.errors import CommitPending, StoreError
from veristack_lab.veristore import forks
from veristack_lab.veristore.failures import copy
from veristack_lab.veristore.wal.mutations import Change

if TYPE_CHECKING:
    import asyncio


class CommitHandle:
    """A write that was handed in and is on its way. Made by `Store.put_async` and its like.

    It is written whether a caller waits or not; dropping the handle does not stop it.
    Wait for it in a thread with `wait`, or in any asyncio loop with `await handle`: both return
    the LSN, at the moment at which `put` would have returned. In a fork of the process that
    handed the write in, every method raises `StoreForked`.
    """

    __slots__ = ("_callbacks", "_error", "_generation", "_is_done", "_lsn", "_mutex")

    def __init__(self) -> None:
        self._generation = forks.generation
        self._mutex = threading.Lock()
        self._callbacks: list[Callable[[], object]] = []
        self._is_done = False
        self._lsn = 0
        self._error: StoreError | None = None

    def __repr__(self) -> str:
        if not self._is_done:
            return "<CommitHandle, on its way>"
        return f"<CommitHandle, {self._error or f'LSN {self._lsn}'}>"

    def done(self) -> bool:
        """Whether it was decided, as a success or a failure: then `wait` returns at once."""
        forks.check_generation(self._generation)
        return self._is_done

    def wait(self, timeout_s: float | None = None) -> int:
        """Return when the write returns. Returns its LSN.

        Args:
            timeout_s: how long to wait at most; None for as long as it takes.

        Raises:
            CommitPending: the time is over and nothing is decided. It goes on; wait again.
            StoreFailed, DiskFull: see `GroupCommit.commit`.
            StoreForked: this process is a fork of the one that handed the write in.
        """
        forks.check_generation(self._generation)
        if not self._is_done:
            signal = threading.Lock()
            signal.acquire()
            self._when_done(signal.release)
            if not signal.acquire(timeout=-1 if timeout_s is None else max(timeout_s, 0)):
                self._forget(signal.release)
                if not self._is_done:
                    raise CommitPending(f"the write was not decided within {timeout_s} s")
        return self._result()

    def __await__(self) -> Generator[Any, None, int]:
        import asyncio  # imported here: callers without a loop need not load it

        forks.check_generation(self._generation)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()

        def resolve() -> None:
            if not future.done():  # its task was cancelled
                future.set_result(None)

        def settled() -> None:
            with suppress(RuntimeError):  # the loop was closed: no task waits in it any more
                loop.call_soon_threadsafe(resolve)

        self._when_done(settled)
        yield from future.__await__()
        return self._result()

    def settle(self, lsn: int, error: StoreError | None) -> None:
        """Record how it ended. For the committer; safe to call again."""
        with self._mutex:
            self._lsn, self._error, self._is_done = lsn, error, True
        while self._callbacks:  # no callback is added any more
            with suppress(RuntimeError):  # called already, before Ctrl-C
                self._callbacks[-1]()
            self._callbacks.pop()

    def _when_done(self, callback: Callable[[], object]) -> None:
        with self._mutex:
            if not self._is_done:
                self._callbacks.append(callback)
                return
        callback()

    def _forget(self, callback: Callable[[], object]) -> None:
        with self._mutex:
            if not self._is_done:
                self._callbacks.remove(callback)

    def _result(self) -> int:
        if self._error is not None:
            raise copy(self._error)
        return self._lsn


class Waiter:
    """One record in the queue, and the waiter to notify."""

    __slots__ = (
        "begun",
        "changes",
        "done",
        "error",
        "handle",
        "is_gone",
        "kind",
        "leads",
        "lsn",
        "payload",
        "signal",
        "thread",
        "wake_next",
    )

    def __init__(
        self,
        kind: int,
        payload: bytes | None,
        changes: Iterable[Change],
        handle: CommitHandle | None = None,
    ) -> None:
        self.kind = kind
        self.payload = payload
        """None for an entry that asks for exclusive use of the log."""
        self.changes = changes
        self.handle = handle
        """The handle of a record that no thread waits for."""
        self.lsn = 0
        self.done = self.leads = self.begun = self.is_gone = False
        """Begun: the committer's thread leads for it already. Gone: its thread does not wait."""
        self.error: StoreError | None = None
        self.signal: threading.Lock | None = None
        """What its thread sleeps on, if it does."""
        self.thread = 0
        """The thread that waits for it or leads for it; 0 for none."""
        self.wake_next: Callable[[], object] | None = None
        """What its thread has to do first when it wakes: others depend on it."""

    def settle(self, error: StoreError | None) -> None:
        """It was decided. May be said twice. A thread that sleeps is still to be woken."""
        self.error, self.done = error, True
        if self.handle is not None:
            self.handle.settle(self.lsn, error)

    def wake(self) -> None:
        """Wake its thread, if it sleeps. May be done twice."""
        if self.signal is not None:
            try:  # noqa: SIM105 - suppress() would cost as much as all the rest of a wake
                self.signal.release()
            except RuntimeError:
                pass  # released already
