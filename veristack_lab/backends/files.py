"""Files that are there whole or not at all, and their SHA-256."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def publish(complete: Path, path: Path) -> None:
    """Give a complete file of the same file system its public name.

    The commit point is the rename, made after the content was synced; the folder is synced
    after it. Whoever looks before sees the old file or none.
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
