"""What a supervisor can watch: child processes, and servers that know how to start again."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from veristack_lab.errors import BackendUnavailable
from veristack_lab.runtime.probes import stopped
from veristack_lab.runtime.processes import Child

EXIT_OUTAGE = os.EX_TEMPFAIL
"""The exit code of a process that ends because something it needs is unavailable."""


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

    def silence(self) -> str:
        """Why it does not answer although it runs; empty if it answers. Ends within seconds."""

    def start(self) -> None:
        """Start it again; return when it is ready. Raises the error that prevents it."""


class ChildPart:
    """A child process; `child` is always the newest one.

    A start may still be under way when the service ends. What it brings up then ends at once.
    """

    def __init__(self, name: str, child: Child, start: Callable[[], Child]) -> None:
        self.name = name
        self.child = child
        self._start = start
        self._lock = threading.Lock()
        self._is_over = False

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

    def silence(self) -> str:
        """Whether its process is stopped: there is nothing else to ask it."""
        return stopped(self.child.pid)

    def start(self) -> None:
        """Start a new process in its place; after `stop` it ends at once."""
        child = self._start()
        with self._lock:
            self.child, is_over = child, self._is_over
        if is_over:
            child.stop()

    def stop(self) -> None:
        """End the newest process, and what a start under way brings. Safe to call again."""
        with self._lock:
            child, self._is_over = self.child, True
        child.stop()


class ServerPart:
    """A server that knows by itself how to start again where it was.

    Args:
        name: unique within its service.
        is_alive: whether its process runs.
        start: start it on the same port and data.
        silence: why it does not answer, one of `probes`; None if there is no honest way to ask.
    """

    def __init__(
        self,
        name: str,
        is_alive: Callable[[], bool],
        start: Callable[[], None],
        silence: Callable[[], str] | None = None,
    ) -> None:
        self.name = name
        self._is_alive = is_alive
        self._start = start
        self._silence = silence

    @property
    def alive(self) -> bool:
        """Whether its process runs."""
        return self._is_alive()

    is_outage = False

    def why(self) -> str:
        """Its own log holds more."""
        return "its process ended"

    def silence(self) -> str:
        """Why it does not answer, as far as there is a way to ask."""
        return self._silence() if self._silence is not None else ""

    def start(self) -> None:
        """Start it on the same port and data."""
        self._start()
