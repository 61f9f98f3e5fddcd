"""Opening a store: which paths can be one, and why the system may refuse one."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

from veristack_lab.errors import DiskFull, InvalidInput, NotAStore, StoreFailed, StoreNotOpened
from veristack_lab.veristore.failures import is_out_of_room

_NO_PERMISSION = (errno.EACCES, errno.EPERM)
_REASONS = {
    errno.ENAMETOOLONG: "the path, or a name in it, is longer than the file system allows; "
    "choose a shorter one",
    errno.ELOOP: "its symbolic links lead in a circle; correct them",
    errno.EROFS: "the file system is read-only. `read_only=True` needs no writing",
    errno.EMFILE: "this process has as many files open as it may. Close some, or raise the limit "
    "(`ulimit -n`)",
    errno.ENFILE: "the system has as many files open as it can. Close some",
    errno.ENOLCK: "the file system cannot lock files. Move the store to one that can",
    errno.EOPNOTSUPP: "the file system cannot do what a store needs. Move the store to another",
    errno.EISDIR: "there is a folder where the store has a file. Move it away",
    errno.ENOENT: "a part of it went away meanwhile. Try again",
}


def folder_of(path: object) -> Path:
    """The folder that a path names, absolute.

    Raises:
        InvalidInput: it is not a `str` or a `Path`, is empty, or holds a NUL.
    """
    if isinstance(path, bytes):
        raise InvalidInput(f"the path {path!r} is bytes; give os.fsdecode({path!r})")
    if not isinstance(path, str | os.PathLike):
        raise InvalidInput(f"a path is a str or a Path, not {type(path).__name__}")
    text = os.fspath(path)
    if not isinstance(text, str):
        raise InvalidInput(f"the path {text!r} is bytes; give os.fsdecode({text!r})")
    if not text:
        raise InvalidInput('the path is empty; name a folder, or "." for the current one')
    if "\0" in text:
        raise InvalidInput(f"the path {text!r} holds a NUL, which no path can")
    return Path(text).absolute()


def explain_opening(
    cause: OSError, folder: Path
) -> StoreNotOpened | NotAStore | DiskFull | StoreFailed:
    """The lab's error for what the system said when a store was to be opened or looked at."""
    if is_out_of_room(cause):
        return DiskFull(
            f"{folder} was not opened: the disk has no room ({cause}). Nothing in it is lost: free "
            "some space and open it again"
        )
    where = f"{folder} cannot be opened"
    if cause.errno in _NO_PERMISSION:
        return StoreNotOpened(
            f"{where}: this user has no permission ({cause}). Change the permissions, or open it "
            "as its owner; `read_only=True` only needs to read"
        )
    if cause.errno in (errno.ENOTDIR, errno.EEXIST):
        return NotAStore(_not_a_folder(cause, folder))
    reason = _REASONS.get(cause.errno or 0)
    if reason is not None:
        return StoreNotOpened(f"{where}: {reason} ({cause})")
    return StoreFailed(
        f"{where}: the disk failed ({cause}). Nothing was acknowledged, so nothing is lost by "
        "this; find out what is wrong with it and open it again"
    )


def _not_a_folder(cause: OSError, folder: Path) -> str:
    with suppress(OSError):  # this user may not be allowed to see the cause
        for part in (folder, *folder.parents):
            if part.is_symlink() and not part.exists():
                return (
                    f"{part} is a symbolic link to {part.readlink()}, which does not exist. Make "
                    "that folder, or give another path"
                )
            if part.exists():
                if not part.is_dir():
                    return f"{folder} cannot be a folder: {part} is a file. Give another path"
                break
    return f"{folder} cannot be a folder ({cause}). Give another path"
