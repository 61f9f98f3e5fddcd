"""A thread for work that no caller waits for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress


class Background:
    """Does one piece of work whenever it is asked to; requests during a wait are one request.

    The thread is started by the first request, so a store that never asks has none. It sleeps
    on a plain lock: entering a `Condition` takes a call of Python code, in which Ctrl-C would
    leave it locked for good.

    Args:
        name: the thread's name.
        work: the work; it deals with its own errors.
        delay_s: how long to wait between a request and the work.
    """

    def __init__(self, name: str, work: Callable[[], None], delay_s: float = 0.0) -> None:
        self._name = name
        self._work = work
        self._delay_s = delay_s
        self._is_stopped = False
        self._wanted, self._ended = threading.Lock(), threading.Lock()
        self._wanted.acquire()
        self._ended.acquire()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def request(self) -> None:
        """Request the work; it begins after this call. Never waits for it. Safe to call again."""
        if self._wanted.locked():
            _release(self._wanted)
        if self._thread is None and not self._is_stopped:
            self._start()

    def stop(self) -> None:
        """Finish the work in hand, drop what was requested, and end. Safe to call again."""
        self._is_stopped = True
        _release(self._wanted)
        _release(self._ended)
        with self._starting:
            thread = self._thread
        if thread is not None:
            thread.join()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                thread.start()
                # Only now: after Ctrl-C in between, the next request makes another one.
                self._thread = thread

    def _run(self) -> None:
        while True:
            self._wanted.acquire()
            if self._delay_s and not self._is_stopped:
                self._ended.acquire(timeout=self._delay_s)
                # What was requested during the delay is part of the work that begins now.
                self._wanted.acquire(blocking=False)
            if self._is_stopped:
                _release(self._wanted)  # for the other one, if Ctrl-C made two
                return
            self._work()


def _release(lock: threading.Lock) -> None:
    with suppress(RuntimeError):  # it is free already
        lock.release()
