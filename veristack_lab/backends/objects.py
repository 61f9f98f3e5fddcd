"""The lab's own object store as a process of its own, for all processes that run beside it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from veristack_lab.backends.holding import held
from veristack_lab.errors import BackendError
from veristack_lab.runtime.processes import Child, spawn, wait_until_ready

READY = "listening on "
HELD_REMEDY = "Stop it there, or give another folder"


class ObjectServer:
    """The object store of a folder behind its HTTP face. Not running until `start()`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._url: str | None = None
        self._child: Child | None = None

    def __repr__(self) -> str:
        return f"<ObjectServer {self._url} child={self._child!r}>"

    @property
    def url(self) -> str:
        """Where it answers; the same after every restart. Raises: BackendError before a start."""
        if self._url is None:
            raise BackendError("this object server was not started yet")
        return self._url

    @property
    def alive(self) -> bool:
        """Whether its process runs (or is paused)."""
        return self._child is not None and self._child.alive

    def start(self) -> None:
        """Start it, on the port it had if it had one; returns when it answers.

        Raises:
            ProcessDied: it ended at once; the message holds the end of its log.
            BackendStartFailed: it was not ready in time.
        """
        if self.alive:
            return
        log_path = self._folder / "object-server.log"
        log_path.unlink(missing_ok=True)  # do not take an earlier server's line for this one's
        port = "0" if self._url is None else self._url.rpartition(":")[2]
        objects = str(self._folder / "objects")
        argv = [sys.executable, "-m", "veristack_lab", "s3", "serve", objects, "--port", port]
        child = spawn(
            argv,
            name="object server",
            log_path=log_path,
            env={
                "AWS_ACCESS_KEY_ID": "",
                "AWS_SECRET_ACCESS_KEY": "",
            },  # for this machine only: open
        )
        self._child = child
        wait_until_ready(child, lambda: READY in child.log_tail())
        self._url = child.log_tail().split(READY)[1].split()[0]

    def stop(self) -> None:
        """Shut it down cleanly. Safe to call again."""
        if self._child is not None:
            self._child.stop()


@contextmanager
def running_object_server(folder: Path) -> Iterator[ObjectServer]:
    """Serve the object store in `folder` over HTTP while the body runs.

    What is in the folder already is served again.

    Raises:
        FolderHeld, FolderUnusable: the folder is another server's, or cannot be written.
        ProcessDied, BackendStartFailed: see `ObjectServer.start`.
    """
    with held(folder / "object-server", "an object server", HELD_REMEDY):
        server = ObjectServer(folder)
        try:
            server.start()
            yield server
        finally:
            server.stop()


@contextmanager
def object_server(folder: Path) -> Iterator[str]:
    """The URL of a `running_object_server`, for callers that need only the URL."""
    with running_object_server(folder) as server:
        yield server.url
