"""The process that outlives its owner by a moment, to clean up after it.

Run as `python -I -S guardian.py TOKEN GROUP`, with the read end of a pipe as standard input. The
owner writes one line per message (see `Ward.hear`). When the pipe ends, for whatever reason,
SIGKILL included, the guardian kills every process that was named, that carries the owner's token in
its environment, that is below such a process, or that is in the owner's control group. Then it
removes the named folders and the shared-memory segments those processes made, and exits. If the
guardian itself is killed, its owner starts another and repeats all messages to it.

A control group (version 2) is used where the system lets us make one: no process leaves it by
itself. Elsewhere the guardian looks once a second for processes below the named ones; one that
leaves its session and its parent within that second, and cleans its environment, is not found.

Standard library only: it must start in a few milliseconds and must not hold the owner's memory.
"""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Collection, Iterable
from contextlib import suppress

TOKEN_VARIABLE = "VERISTACK_GUARD"  # noqa: S105 - a name, not a secret
SIGKILL = 9
"""As in `signal`, whose import takes longer than all else here."""
POLL_S = 0.5
LOOK_S = 1.0
"""How often a guardian without a control group looks for processes below the named ones."""
GROUP_TIMEOUT_S = 10.0
"""How long an empty group is waited for: guardians of others in it end when their work is done."""


def stat_fields(pid: int | str) -> list[bytes] | None:
    """State, parent and so on of a process, as proc(5) lists them from the third field on.

    None when the process is gone.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            return stat.read().rpartition(b")")[2].split()
    except OSError:
        return None


def start_ticks(pid: int) -> int | None:
    """When the process started, in clock ticks since boot; None when it is gone.

    Together with the pid it identifies one process for ever: a pid alone may be reused.
    """
    fields = stat_fields(pid)
    return None if fields is None or fields[0] in (b"Z", b"X") else int(fields[19])


def parents() -> dict[int, int]:
    """Parent of each living process."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (fields := stat_fields(name)) is not None:
            found[int(name)] = int(fields[1])
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
    """System V shared-memory segments that one of `makers` made and no process is attached to.

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


def make_group(token: str) -> str | None:
    """A control group of version 2 below our own, for all children; None where not allowed."""
    try:
        with open("/proc/self/mountinfo") as mounts:
            fields = [line.split() for line in mounts]
        root = next(line[4] for line in fields if "cgroup2" in line[line.index("-") :])
        with open("/proc/self/cgroup") as groups:
            own = next(line[3:].strip() for line in groups if line.startswith("0::"))
        path = f"{root}{own.rstrip('/')}/veristack-{token}"
        os.mkdir(path)
    except (OSError, StopIteration, ValueError):
        return None
    return path


def enter_group(group: str | None, pid: int) -> None:
    """Put a process into a group, and with it all that it starts from now on."""
    if group is not None:
        with suppress(OSError), open(f"{group}/cgroup.procs", "w") as members:
            members.write(str(pid))


def members_of(group: str | None) -> set[int]:
    """The processes of a group; none if there is no group."""
    if group is None:
        return set()
    try:
        with open(f"{group}/cgroup.procs") as members:
            return {int(line) for line in members}
    except OSError:
        return set()


def remove_group(group: str | None) -> None:
    """Remove a group once it is empty; groups that its members made first."""
    deadline_s = time.monotonic() + GROUP_TIMEOUT_S
    while group is not None and os.path.isdir(group) and time.monotonic() < deadline_s:
        for inner, _, _ in os.walk(group, topdown=False):
            with suppress(OSError):
                os.rmdir(inner)
        select.select([], [], [], 0.02)


def is_guardian(pid: int) -> bool:
    """Whether the process is a guardian: it cleans up for another owner, and then ends."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as cmdline:
            return __file__.encode() in cmdline.read().split(b"\0")[:5]
    except OSError:
        return False


class Ward:
    """What the owner has named so far."""

    def __init__(self, token: str, group: str | None) -> None:
        self.token = token
        self.group = group
        self.children: dict[int, int | None] = {}
        self.folders: set[bytes] = set()
        self.killed: set[int] = set()
        self.seen: dict[int, int] = {}
        """Processes below the children, each with its start."""

    def hear(self, line: bytes) -> None:
        """Take one message: `child PID TICKS`, `folder PATH` or `release PATH`, paths in hex."""
        what, *words = line.split()
        if what == b"child":
            self.children[int(words[0])] = int(words[1]) or None
        elif what == b"folder":
            self.folders.add(bytes.fromhex(words[0].decode()))
        elif what == b"release":
            self.folders.discard(bytes.fromhex(words[0].decode()))

    def named(self) -> set[int]:
        """The children that still live."""
        return {p for p, ticks in self.children.items() if ticks and start_ticks(p) == ticks}

    def look(self) -> None:
        """Remember the processes below the children now, in case they leave them later."""
        for pid in with_descendants(self.named() | self._still_seen()):
            ticks = start_ticks(pid)
            if ticks is not None:
                self.seen[pid] = ticks

    def _still_seen(self) -> set[int]:
        self.seen = {p: ticks for p, ticks in self.seen.items() if start_ticks(p) == ticks}
        return set(self.seen)

    def kill_children(self) -> None:
        while True:
            roots = self.named() | self._still_seen() | carriers(self.token)
            doomed = with_descendants(roots) | members_of(self.group)
            doomed = {
                pid
                for pid in doomed
                if pid != os.getpid() and start_ticks(pid) is not None and not is_guardian(pid)
            }
            if not doomed:
                return
            self.killed |= doomed
            for pid in parents_first(doomed):
                with suppress(OSError):
                    os.kill(pid, SIGKILL)
            select.select([], [], [], 0.02)

    def remove_remains(self) -> None:
        import shutil  # ten milliseconds that the start does not need

        for path in self.folders:
            shutil.rmtree(path, ignore_errors=True)
        remove_segments(self.killed | self.children.keys())
        remove_group(self.group)


def main() -> None:
    """Listen until the owner ends, then clean up."""
    owner, token, group = os.getppid(), sys.argv[1], sys.argv[2] or None
    ward, buffer, next_look_s = Ward(token, group), b"", 0.0
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
        if group is None and ward.children and time.monotonic() >= next_look_s:
            ward.look()
            next_look_s = time.monotonic() + LOOK_S
    ward.kill_children()
    ward.remove_remains()


if __name__ == "__main__":
    main()
