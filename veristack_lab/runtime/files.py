"""Files and folders that appear whole or not at all, a lock on them, and the SHA-256 of files."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from veristack_lab.errors import WaitExpired

LOCK_TIMEOUT_S = 10.0
LOCK_POLL_S = 0.02


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock while the body runs, among threads and processes that name the same file.

    For a change that reads a file, decides, and replaces it. The kernel drops the lock when its
    holder ends, however it ends.

    Args:
        path: the lock's own file, made if it is missing; its folder exists.

    Raises:
        WaitExpired: another holder had the lock for `LOCK_TIMEOUT_S`.
    """
    deadline_s = time.monotonic() + LOCK_TIMEOUT_S
    with path.open("a") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() >= deadline_s:
                    raise WaitExpired(
                        f"another process has held {path} for {LOCK_TIMEOUT_S:g} s; find it,"
                        " end it, and try again"
                    ) from error
                time.sleep(LOCK_POLL_S)
        yield  # closing the file gives the lock back


def publish(complete: Path, path: Path) -> None:
    """Give a complete file on the same file system its public name.

    The commit point is the rename, made after the content was synced; the folder is synced
    after it. Before it a reader sees the old file or none.
    """
    _sync(complete)
    complete.replace(path)
    _sync(path.parent)


@contextmanager
def written_atomically(path: Path) -> Iterator[Path]:
    """Give the body another name to write to, and `publish` that when it is complete.

    A body that raises leaves nothing.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        publish(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def replace_atomically(path: Path, content: bytes) -> None:
    """Give a file this content, durably; the commit point is that of `publish`."""
    with written_atomically(path) as partial:
        partial.write_bytes(content)


@contextmanager
def folder_made_aside(path: Path, *, syncs_itself: bool = False) -> Iterator[Path]:
    """Give the body another folder to make, and that folder its name when it is complete.

    Commit point: the rename. What an interrupted earlier body left is removed first, and so is
    anything at `path`: the caller has found it incomplete.

    Args:
        path: the folder's name; its parent exists.
        syncs_itself: whether the body brings everything to the disk, as `initdb` does.
    """
    _remove_left(path)
    # A unique name: children of a killed process may still write into its folder for a moment.
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    yield partial
    if not syncs_itself:
        for inner in partial.rglob("*"):
            _sync(inner)
        _sync(partial)
    shutil.rmtree(path, ignore_errors=True)
    partial.rename(path)
    _sync(path.parent)
    _remove_left(path)  # what such a child wrote while the first removal went through its folder


def _remove_left(path: Path) -> None:
    for left in path.parent.glob(f"{path.name}.*.partial"):
        shutil.rmtree(left, ignore_errors=True)


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's content, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
