"""One server on one folder: who works in a folder says so there, and the next one is told.

The kernel drops a lock when its holder ends, however it ends, so no stale file stands in the way.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from veristack_lab.errors import FolderHeld, FolderUnusable

LOCK_NAME = "HELD"
_MAX_BYTES = 4096
_WORDS = 4
"""Of a command line, in messages."""


@contextmanager
def held(folder: Path, what: str, remedy: str) -> Iterator[None]:
    """Hold a folder for this process while the body runs; made if it is missing.

    Args:
        folder: where a server keeps its data.
        what: the server, as a message calls it.
        remedy: what else can be done than to stop the holder.

    Raises:
        FolderHeld: a process holds it; the message names it and says since when.
        FolderUnusable: the system does not let us make or write it.
    """
    path = folder / LOCK_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise unusable(folder, error) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = describe(os.pread(descriptor, _MAX_BYTES, 0))
            raise FolderHeld(f"{what} runs in {folder} already: {holder}. {remedy}") from None
        except OSError as error:
            raise unusable(folder, error) from error
        _write(descriptor, _myself())
        try:
            yield
        finally:
            os.ftruncate(descriptor, 0)  # while it is held: a stale pid would name another process
    finally:
        os.close(descriptor)


def unusable(folder: Path, cause: OSError) -> FolderUnusable:
    """The lab's error for what the system said about a folder."""
    reason = cause.strerror or str(cause)
    if cause.errno in (errno.EEXIST, errno.ENOTDIR):
        reason = "there is a file where a folder is needed"
    return FolderUnusable(f"{folder} cannot be used: {reason}. Give a folder that you may write to")


def describe(content: bytes) -> str:
    """The holder, from what it wrote into the lock file."""
    try:
        facts = json.loads(content)
        pid, since, command = int(facts["pid"]), str(facts["since"]), str(facts["command"])
    except (ValueError, KeyError, TypeError):
        return "a process that has not told its name yet"
    mine = ", this one" if pid == os.getpid() else ""
    return f"process {pid} (`{command}`{mine}) holds the folder since {since}"


def _myself() -> bytes:
    program = Path(sys.argv[0]).name or "python"
    facts = {
        "pid": os.getpid(),
        "since": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
        "command": " ".join([program, *sys.argv[1:]][:_WORDS]),
    }
    return json.dumps(facts).encode()


def _write(descriptor: int, content: bytes) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, content[:_MAX_BYTES], 0)
