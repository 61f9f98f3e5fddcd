"""A thread for work that nobody waits for."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Background:
    """Does one piece of work whenever it is asked to; requests during a wait are one request.

    The thread is started by the first request, so a store that never asks has none.

    Args:
        name: of the thread.
        work: the work; it deals with its own errors.
        delay_s: how long to wait between a request and the work.
    """

    def __init__(self, name: str, work: Callable[[], None], delay_s: float = 0.0) -> None:
        self._name = name
        self._work = work
        self._delay_s = delay_s
        self._is_wanted = False
        self._is_stopped = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def request(self) -> None:
        """Have the work done. Never waits for it."""
        if self._is_wanted:
            return
        with self._changed:
            self._is_wanted = True
            if self._thread is None and not self._is_stopped:
                thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                thread.start()
                # Only now: after Ctrl-C in between, the next request makes another one.
                self._thread = thread
            self._changed.notify_all()

    def stop(self) -> None:
        """Finish the work in hand, drop what was requested, and end. Safe to call again."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while self._next():
            self._work()

    def _next(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._is_wanted or self._is_stopped)
            if self._delay_s:
                self._changed.wait_for(lambda: self._is_stopped, self._delay_s)
            # Before the work begins: what comes from now on may be too late for it.
            self._is_wanted = False
            return not self._is_stopped
