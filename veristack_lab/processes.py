"""Child processes that die with us, however we die.

`spawn()` starts a server or a worker in its own session, its output in a log file. The first
call also starts one guardian process (see `guardian`), which ends all children and removes
the folders given to `temporary_folder()` when this process ends: by return, by Ctrl-C or by
SIGKILL.
"""

from __future__ import annotations

import atexit
import logging
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Self

from veristack_lab import guardian
from veristack_lab.errors import BackendStartFailed, ProcessDied

POLL_INTERVAL_S = 0.02
MAX_STRETCH = 8.0
"""How many times its limit a start may take on a busy machine, at most."""
ENTER_AND_RUN = '{ echo $$ >"$0"; } 2>/dev/null; exec "$@"'
"""For `sh`: enter the group whose file is the first argument, as far as allowed, then become the
program in the others, with the same process id."""
GUARDIANS = 100
"""How many guardians one process starts at most, should something keep killing them."""

_log = logging.getLogger(__name__)


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
        """The write end of its standard input, when it was asked for."""
        return self._process.stdin

    def kill(self) -> None:
        """SIGKILL, and wait until the process is gone: the power cut."""
        self._signal(signal.SIGKILL)
        self._process.wait()

    def kill_tree(self) -> None:
        """SIGKILL to the process and everything below it; returns when all are gone."""
        below = guardian.with_descendants({self.pid}) - {self.pid} if self.alive else set()
        started = {pid: guardian.start_ticks(pid) for pid in below}
        self.kill()
        while left := [p for p, t in started.items() if t and guardian.start_ticks(p) == t]:
            for pid in guardian.parents_first(left):
                with suppress(ProcessLookupError):  # it left by itself when its parent did
                    os.kill(pid, signal.SIGKILL)
            time.sleep(POLL_INTERVAL_S)

    def pause(self) -> None:
        """SIGSTOP: the process stands still but keeps its memory, sockets and locks."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT: the process goes on as if nothing had happened."""
        self._signal(signal.SIGCONT)

    def stop(self, grace_s: float = 5.0, ask: signal.Signals = signal.SIGTERM) -> None:
        """Ask with a signal; after the grace, SIGKILL. Safe to call again."""
        self._signal(ask)
        self._signal(signal.SIGCONT)  # a paused process would not hear the question
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


class _Guard:
    """Our end of the pipe to the guardian, and a new guardian when ours is killed."""

    def __init__(self) -> None:
        self.token = secrets.token_hex(8)
        self.owner = os.getpid()
        self.group = guardian.make_group(self.token)
        self._lock = threading.Lock()
        self._is_closed = False
        self._children: dict[int, int | None] = {}
        self._folders: dict[str, None] = {}
        self._process = self._start()
        threading.Thread(target=self._watch, name="guardian's owner", daemon=True).start()
        atexit.register(self.close)

    def child(self, pid: int) -> None:
        """Name a child that ends with us."""
        guardian.enter_group(self.group, pid)  # one that runs as another user could not by itself
        ticks = guardian.start_ticks(pid)
        with self._lock:
            # A guardian that comes later need not hear of the dead.
            living = self._children.items()
            self._children = {p: t for p, t in living if t and guardian.start_ticks(p) == t}
            self._children[pid] = ticks
            self._tell("child", str(pid), str(ticks or 0))

    def entering(self, argv: list[str], cwd: Path | None) -> list[str]:
        """The same program, in our control group before its first instruction.

        What the program starts is then in the group as well, however soon it starts it. A program
        that cannot be executed is left as it is, so that the error is its own.
        """
        place = Path(cwd or ".", argv[0]) if "/" in argv[0] else shutil.which(argv[0])
        if self.group is None or place is None or not os.access(place, os.X_OK):
            return argv
        return ["/bin/sh", "-c", ENTER_AND_RUN, f"{self.group}/cgroup.procs", *argv]

    def folder(self, path: str) -> None:
        """Name a folder that goes with us."""
        with self._lock:
            self._folders[path] = None
            self._tell("folder", os.fsencode(path).hex())

    def release(self, path: str) -> None:
        """Take a folder's name back."""
        with self._lock:
            self._folders.pop(path, None)
            self._tell("release", os.fsencode(path).hex())

    def _start(self) -> subprocess.Popen[bytes]:
        environment = {k: v for k, v in os.environ.items() if k != guardian.TOKEN_VARIABLE}
        return subprocess.Popen(
            [sys.executable, "-I", "-S", guardian.__file__, self.token, self.group or ""],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )

    def _tell(self, *words: str) -> None:
        """Write one line. A guardian that is dead by now is told by `_watch`'s next one."""
        stdin = self._process.stdin
        assert stdin is not None  # Popen was given a pipe
        with suppress(BrokenPipeError, ValueError):
            stdin.write(" ".join(words).encode() + b"\n")
            stdin.flush()

    def _watch(self) -> None:
        """Replace a guardian that ended before its owner, at most `GUARDIANS` times."""
        for _ in range(GUARDIANS):
            self._process.wait()
            with self._lock:
                if self._is_closed or os.getpid() != self.owner:
                    return
                self._abandon()
                self._process = self._start()
                for pid, ticks in self._children.items():
                    self._tell("child", str(pid), str(ticks or 0))
                for path in self._folders:
                    self._tell("folder", os.fsencode(path).hex())
        _log.error("the guardian was killed %d times; children may outlive this process", GUARDIANS)

    def _abandon(self) -> None:
        """Close the pipe to a guardian that is dead."""
        with suppress(BrokenPipeError):
            if self._process.stdin is not None:
                self._process.stdin.close()

    def close(self) -> None:
        """Let the guardian clean up, and wait until it has."""
        if os.getpid() != self.owner:
            return  # a forked copy of the owner must not end the owner's guardian
        with self._lock:
            self._is_closed = True
            self._abandon()
        self._process.wait()


_guard: _Guard | None = None
_guard_lock = threading.Lock()


def _current_guard() -> _Guard:
    global _guard
    with _guard_lock:
        if _guard is None or _guard.owner != os.getpid():
            _guard = _Guard()
        return _guard


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
    """Start a child whose output goes to `log_path` and which dies when this process does.

    Args:
        argv: the program and its arguments; no shell is involved.
        name: what to call it in messages.
        log_path: file that receives stdout and stderr, appended.
        env: variables to add to (or change in) our own environment.
        user, group: ids to switch to (Postgres refuses to run as root).
        pipe_stdin: give the child a pipe as standard input, reachable as `Child.stdin`.

    Raises:
        BackendStartFailed: the program does not exist or cannot be executed.
    """
    guard = _current_guard()
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
    """A limit for a start on this machine, as busy as the machine is now, in seconds.

    The limit is meant for a quiet machine. With several programs per processor a start takes as
    many times longer, so the limit grows with the load per processor, at most `MAX_STRETCH` times.
    """
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    return limit_s * min(max(load, 1.0), MAX_STRETCH)


def wait_until_ready(child: Child, is_ready: Callable[[], bool], timeout_s: float = 30.0) -> None:
    """Poll a condition until it holds, the child dies, or time is up.

    Args:
        timeout_s: limit on a quiet machine; on a busy one it is `stretched`.

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
    """A folder that is gone afterwards, even if this process is killed in between.

    Args:
        prefix: of its name.
        parent: where it is made; default the system's place for temporary files.
    """
    path = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    guard = _current_guard()
    guard.folder(str(path))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        guard.release(str(path))


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on at the moment.

    Somebody else may take it before you do: servers started on it are retried on another.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
