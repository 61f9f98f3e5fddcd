"""The process that outlives its owner by a moment, to clean up behind it.

Run as `python -S guardian.py`, with the read end of a pipe as standard input. The owner
writes one JSON object a line (`child`, `folder`, `release`); when the pipe ends, for whatever
reason, SIGKILL included, the guardian kills every process that was named or that carries the
owner's token in its environment, then removes the named folders and the shared-memory segments
those processes made, and exits. Standard library only: it must start in a few milliseconds and
must not hold the owner's memory.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import sys
from collections.abc import Collection, Iterable
from contextlib import suppress

TOKEN_VARIABLE = "VERISTACK_GUARD"  # noqa: S105 - a name, not a secret
POLL_S = 0.5


def start_ticks(pid: int) -> int | None:
    """When the process started, in clock ticks since boot; None when it is gone.

    With the pid it names one process for ever: a pid alone may be given away again.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            fields = stat.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


def parents() -> dict[int, int]:
    """Parent of each living process."""
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        with suppress(OSError), open(f"/proc/{name}/stat", "rb") as stat:
            found[int(name)] = int(stat.read().rpartition(b")")[2].split()[1])
    return found


def carriers(token: str) -> set[int]:
    """Living processes whose environment at start held the token."""
    needle = f"{TOKEN_VARIABLE}={token}".encode()
    found = set()
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        with suppress(OSError), open(f"/proc/{name}/environ", "rb") as environ:
            if needle in environ.read().split(b"\0"):
                found.add(int(name))
    return found


def with_descendants(pids: set[int]) -> set[int]:
    """The processes and everything below them in the process tree."""
    children: dict[int, list[int]] = {}
    for pid, parent in parents().items():
        children.setdefault(parent, []).append(pid)
    found: set[int] = set()
    queue = list(pids)
    while queue:
        pid = queue.pop()
        if pid not in found:
            found.add(pid)
            queue.extend(children.get(pid, ()))
    return found


def parents_first(pids: Iterable[int]) -> list[int]:
    """The processes, each after every ancestor of its own that is among them.

    Kill in this order: a parent that sees its child killed may make something new. A postmaster
    starts itself afresh, with another shared-memory segment.
    """
    above = parents()

    def depth(pid: int) -> int:
        steps = 0
        while pid := above.get(pid, 0):
            steps += 1
        return steps

    return sorted(pids, key=depth)


def orphaned_segments(makers: Collection[int]) -> list[int]:
    """System V shared-memory segments that nobody is attached to and one of `makers` made.

    Such a segment outlives its processes. Postgres holds one of 56 bytes as a sign that it
    runs, and cannot remove it after SIGKILL. Empty on a system that does not list them.
    """
    try:
        with open("/proc/sysvipc/shm", "rb") as listed:
            rows = [line.split() for line in listed.read().splitlines()[1:]]
    except OSError:
        return []
    return [int(row[1]) for row in rows if int(row[6]) == 0 and int(row[4]) in makers]


def remove_segments(makers: Collection[int]) -> None:
    """Remove what `orphaned_segments` finds. Call it when the makers have ended."""
    segments = orphaned_segments(makers)
    if segments:
        import ctypes

        remove = 0  # IPC_RMID of <sys/ipc.h>
        for segment_id in segments:
            ctypes.CDLL(None).shmctl(segment_id, remove, None)


class Ward:
    """What the owner has named so far."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.children: dict[int, int | None] = {}
        self.folders: set[str] = set()
        self.killed: set[int] = set()

    def hear(self, line: bytes) -> None:
        message = json.loads(line)
        if message["op"] == "child":
            self.children[message["pid"]] = message["ticks"]
        elif message["op"] == "folder":
            self.folders.add(message["path"])
        elif message["op"] == "release":
            self.folders.discard(message["path"])

    def kill_children(self) -> None:
        while True:
            named = {p for p, ticks in self.children.items() if ticks and start_ticks(p) == ticks}
            doomed = with_descendants(named | carriers(self.token)) - {os.getpid()}
            doomed = {pid for pid in doomed if start_ticks(pid) is not None}
            if not doomed:
                return
            self.killed |= doomed
            for pid in parents_first(doomed):
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            select.select([], [], [], 0.02)

    def remove_remains(self) -> None:
        for path in self.folders:
            shutil.rmtree(path, ignore_errors=True)
        remove_segments(self.killed | self.children.keys())


def main() -> None:
    """Listen until the owner ends, then clean up."""
    owner, token = os.getppid(), sys.argv[1]
    ward, buffer = Ward(token), b""
    while True:
        # A forked child of the owner may hold the pipe open, so the owner is watched as well.
        ready, _, _ = select.select([0], [], [], POLL_S)
        if ready:
            received = os.read(0, 65536)
            if not received:
                break
            *lines, buffer = (buffer + received).split(b"\n")
            for line in lines:
                ward.hear(line)
        elif os.getppid() != owner:
            break
    ward.kill_children()
    ward.remove_remains()


if __name__ == "__main__":
    main()
