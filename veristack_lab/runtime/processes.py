"""Child processes that end when this process ends, however it ends.

`spawn()` starts a server or a worker in its own session and writes its output to a log file. The
first call also starts one guardian process (see `guard`), which ends all children and removes the
folders given to `temporary_folder()` when this process ends: by return, by Ctrl-C or by SIGKILL.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Self

from veristack_lab.errors import BackendStartFailed, ProcessDied
from veristack_lab.runtime import guardian
from veristack_lab.runtime.guard import current_guard

POLL_INTERVAL_S = 0.02
MAX_STRETCH = 8.0
"""On a busy machine a start may take at most this many times its limit."""


class Child:
    """One supervised child process. Use as a context manager, or call `stop()`."""

    def __init__(self, process: subprocess.Popen[bytes], name: str, log_path: Path) -> None:
        self._process = process
        self.name = name
        self.log_path = log_path

    def __repr__(self) -> str:
        state = "alive" if self.alive else f"ended {self.returncode}"
        return f"<Child {self.name} pid={self.pid} {state}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process still runs (or is paused)."""
        return self._process.poll() is None

    @property
    def returncode(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._process.poll()

    @property
    def stdin(self) -> IO[bytes] | None:
        """The write end of its standard input, if `spawn` was given `pipe_stdin`."""
        return self._process.stdin

    def kill(self) -> None:
        """SIGKILL, and wait until the process is gone: the power cut."""
        self._signal(signal.SIGKILL)
        self._process.wait()

    def kill_tree(self) -> None:
        """SIGKILL to the process and all its descendants; returns when all are gone."""
        below = guardian.with_descendants({self.pid}) - {self.pid} if self.alive else set()
        started = {pid: guardian.start_ticks(pid) for pid in below}
        self.kill()
        while left := [p for p, t in started.items() if t and guardian.start_ticks(p) == t]:
            for pid in guardian.parents_first(left):
                with suppress(ProcessLookupError):  # it ended when its parent did
                    os.kill(pid, signal.SIGKILL)
            time.sleep(POLL_INTERVAL_S)

    def pause(self) -> None:
        """SIGSTOP: the process is paused but keeps its memory, sockets and locks."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT: a paused process continues."""
        self._signal(signal.SIGCONT)

    def stop(self, grace_s: float = 5.0, ask: signal.Signals = signal.SIGTERM) -> None:
        """Send the signal `ask`; after `grace_s` seconds, SIGKILL. Safe to call again."""
        self._signal(ask)
        self._signal(signal.SIGCONT)  # a paused process does not act on the signal
        try:
            self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            self.kill()
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.close()

    def wait(self, timeout_s: float | None = None) -> int:
        """Wait for the end; the exit code. Raises `subprocess.TimeoutExpired`."""
        return self._process.wait(timeout_s)

    def log_tail(self, lines: int = 15) -> str:
        """The last lines of its output."""
        try:
            text = self.log_path.read_text(errors="replace")
        except FileNotFoundError:
            return ""
        return "\n".join(text.splitlines()[-lines:])

    def _signal(self, number: int) -> None:
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)


def spawn(
    argv: Sequence[str | Path],
    *,
    name: str,
    log_path: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    user: int | None = None,
    group: int | None = None,
    pipe_stdin: bool = False,
) -> Child:
    """Start a child that writes its output to `log_path` and ends when this process ends.

    Args:
        argv: the program and its arguments; no shell is involved.
        name: what messages call the child.
        log_path: file that receives stdout and stderr, appended.
        env: variables to add to, or change in, the environment of this process.
        user, group: ids to switch to (Postgres refuses to run as root).
        pipe_stdin: give the child a pipe as standard input, reachable as `Child.stdin`.

    Raises:
        BackendStartFailed: the program does not exist or cannot be executed.
    """
    guard = current_guard()
    environment = {**os.environ, **(env or {}), guardian.TOKEN_VARIABLE: guard.token}
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with log_path.open("ab") as log:
        try:
            process = subprocess.Popen(
                guard.entering([str(part) for part in argv], cwd),
                stdin=subprocess.PIPE if pipe_stdin else subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=cwd,
                user=user,
                group=group,
                extra_groups=[] if user is not None else None,
                start_new_session=True,
            )
        except OSError as error:
            raise BackendStartFailed(f"{name} could not be started: {error}") from error
    guard.child(process.pid)
    return Child(process, name, log_path)


def stretched(limit_s: float) -> float:
    """The limit for a start on this machine under its current load, in seconds.

    `limit_s` is meant for a quiet machine. A start takes longer in proportion to the load per
    processor, so the limit grows with that load, to at most `MAX_STRETCH` times `limit_s`.
    """
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    return limit_s * min(max(load, 1.0), MAX_STRETCH)


def wait_until_ready(child: Child, is_ready: Callable[[], bool], timeout_s: float = 30.0) -> None:
    """Poll a condition until it holds, the child ends, or the time is up.

    Args:
        timeout_s: limit in seconds on a quiet machine; on a busy machine it is `stretched`.

    Raises:
        ProcessDied: the child ended first.
        BackendStartFailed: the condition did not hold in time; the child is killed.
    """
    started_s = time.monotonic()
    while not is_ready():
        if not child.alive:
            raise ProcessDied(
                f"{child.name} ended with code {child.returncode} before it was ready:\n"
                f"{child.log_tail()}"
            )
        waited_s = time.monotonic() - started_s
        if waited_s > stretched(timeout_s):
            child.kill()
            raise BackendStartFailed(
                f"{child.name} was not ready after {waited_s:.3g} s:\n{child.log_tail()}"
            )
        time.sleep(POLL_INTERVAL_S)


@contextmanager
def temporary_folder(prefix: str = "veristack-", parent: Path | None = None) -> Iterator[Path]:
    """A folder that is removed afterwards, even if this process is killed before that.

    Args:
        prefix: what its name begins with.
        parent: the folder it is made in; by default the system's folder for temporary files.
    """
    path = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    guard = current_guard()
    guard.folder(str(path))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        guard.release(str(path))


def free_port() -> int:
    """A TCP port of the loopback interface on which no program listens at the moment.

    Another program may take the port first: start a server again on another port if it does.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
