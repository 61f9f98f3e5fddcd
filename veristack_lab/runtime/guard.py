"""This process's end of the pipe to its guardian.

`current_guard()` starts one guardian process (see `guardian`) when it is first called, tells it
which children and folders end with this process, and replaces a guardian that was killed.
"""

from __future__ import annotations

import atexit
import logging
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

from veristack_lab.runtime import guardian

ENTER_AND_RUN = '{ echo $$ >"$0"; } 2>/dev/null; exec "$@"'
"""For `sh`: join the control group whose `cgroup.procs` file is `$0`, if the system allows it, then
become the program in the other arguments, with the same process id."""
GUARDIANS = 100
"""One process starts at most this many guardians, in case something keeps killing them."""

CLOSE_LIMIT_S = 60.0
"""How long this process waits at its end for the guardian to clean up."""

_log = logging.getLogger(__name__)


class Guard:
    """The pipe to the guardian, and a new guardian when the old one is killed."""

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
        """Name a child that ends with this process."""
        guardian.enter_group(self.group, pid)  # a child of another user may not enter it
        ticks = guardian.start_ticks(pid)
        with self._lock:
            # A later guardian is told only of children that still live.
            living = self._children.items()
            self._children = {p: t for p, t in living if t and guardian.start_ticks(p) == t}
            self._children[pid] = ticks
            self._tell("child", str(pid), str(ticks or 0))

    def entering(self, argv: list[str], cwd: Path | None) -> list[str]:
        """The arguments that run `argv` in the control group from its first instruction on.

        Every process that the program starts, however early, is then in the group as well. If the
        program cannot be executed, `argv` is returned unchanged, so that the error names it.
        """
        place = Path(cwd or ".", argv[0]) if "/" in argv[0] else shutil.which(argv[0])
        if self.group is None or place is None or not os.access(place, os.X_OK):
            return argv
        return ["/bin/sh", "-c", ENTER_AND_RUN, f"{self.group}/cgroup.procs", *argv]

    def folder(self, path: str) -> None:
        """Name a folder that is removed when this process ends."""
        with self._lock:
            self._folders[path] = None
            self._tell("folder", os.fsencode(path).hex())

    def release(self, path: str) -> None:
        """The folder is no longer the guardian's to remove."""
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
        """Write one line. If the guardian is dead, `_watch` tells everything to the next one."""
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
        self._process.send_signal(signal.SIGCONT)  # a paused guardian would not see the end
        try:
            self._process.wait(CLOSE_LIMIT_S)
        except subprocess.TimeoutExpired:
            _log.warning("the guardian still cleans up after %g s; it goes on alone", CLOSE_LIMIT_S)


_guard: Guard | None = None
_guard_lock = threading.Lock()


def current_guard() -> Guard:
    """The guard of this process. A fork gets a guard of its own."""
    global _guard
    with _guard_lock:
        if _guard is None or _guard.owner != os.getpid():
            _guard = Guard()
        return _guard
