"""What a supervisor can watch: child processes, servers that restart themselves, and threads."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from veristack_lab.errors import BackendUnavailable
from veristack_lab.runtime.processes import Child

STOP_TIMEOUT_S = 5.0
EXIT_OUTAGE = os.EX_TEMPFAIL
"""The exit code of a process that ends because something it needs is unavailable."""

_log = logging.getLogger(__name__)


@contextmanager
def ends_with_outage_code() -> Iterator[None]:
    """Around the main function of a process: an outage becomes `EXIT_OUTAGE` and one line."""
    try:
        yield
    except BackendUnavailable as error:
        sys.stderr.write(f"BackendUnavailable: {error}\n")
        sys.exit(EXIT_OUTAGE)


class Supervised(Protocol):
    """Something that can be watched and started again."""

    @property
    def name(self) -> str:
        """Unique within its service."""

    @property
    def alive(self) -> bool:
        """Whether it runs."""

    @property
    def is_outage(self) -> bool:
        """Whether it ended because something it needs is unavailable."""

    def why(self) -> str:
        """What is known about its end."""

    def start(self) -> None:
        """Start it again; return when it is ready. Raises the error that prevents it."""


class ChildPart:
    """A child process; `child` is always the newest one."""

    def __init__(self, name: str, child: Child, start: Callable[[], Child]) -> None:
        self.name = name
        self.child = child
        self._start = start

    @property
    def alive(self) -> bool:
        """Whether the process runs, or is paused."""
        return self.child.alive

    @property
    def is_outage(self) -> bool:
        """Whether the exit code of the process says so."""
        return self.child.returncode == EXIT_OUTAGE

    def why(self) -> str:
        """Exit code and last words."""
        last = self.child.log_tail(1)
        return f"it ended with code {self.child.returncode}" + (f": {last}" if last else "")

    def start(self) -> None:
        """Start a new process in its place."""
        self.child = self._start()

    def stop(self) -> None:
        """End the newest process. Safe to call again."""
        self.child.stop()


class ServerPart:
    """A server that knows by itself how to start again where it was."""

    def __init__(self, name: str, is_alive: Callable[[], bool], start: Callable[[], None]) -> None:
        self.name = name
        self._is_alive = is_alive
        self._start = start

    @property
    def alive(self) -> bool:
        """Whether its process runs."""
        return self._is_alive()

    is_outage = False

    def why(self) -> str:
        """Its own log holds more."""
        return "its process ended"

    def start(self) -> None:
        """Start it on the same port and data."""
        self._start()


class ThreadPart:
    """A thread of this process that runs `work(stop)` until it is stopped."""

    def __init__(self, name: str, work: Callable[[threading.Event], None]) -> None:
        self.name = name
        self._work = work
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._thread = self._begin()

    @property
    def alive(self) -> bool:
        """Whether it runs, or ended because it was asked to."""
        return self._thread.is_alive() or self._stop.is_set()

    @property
    def is_outage(self) -> bool:
        """Whether a backend that it needs was unavailable."""
        return isinstance(self._failure, BackendUnavailable)

    def why(self) -> str:
        """The error it raised."""
        failure = self._failure
        return "it returned" if failure is None else f"{type(failure).__name__}: {failure}"

    def start(self) -> None:
        """Run `work` in a new thread."""
        self._thread = self._begin()

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """Tell it to stop, and wait for it for a while."""
        self._stop.set()
        self._thread.join(timeout_s)

    def _begin(self) -> threading.Thread:
        self._failure = None
        thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        thread.start()
        return thread

    def _run(self) -> None:
        try:
            self._work(self._stop)
        except BaseException as failure:  # noqa: BLE001 - it is kept, and logged
            self._failure = failure
            _log.exception("thread %s failed", self.name)
