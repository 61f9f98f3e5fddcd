"""A disk that a lab's checks watch: faults under the learner's calls, power cuts between them.

`install()` once, before the learner's file is loaded, stands in for the functions of `os` that
touch files. Outside of a `WatchedDisk` they are what they were. Inside of one, calls that touch its
folder may be short, fail, or never happen because the power is cut, and the disk knows what is
durable:

    with WatchedDisk(folder, largest_write=7, faults=[Fault("fsync", errno.EIO)]) as disk:
        work.append(fd, b"payload")
    disk.durable(path)        # the file after a power cut, as the last sync left it
    disk.possible(path)       # everything that a power cut may leave

What a failed sync did not write is lost for later syncs too, unless it is written again: so Linux
does it. Checks state laws about `durable` and `possible`, never lists of calls. A file that is
opened for writing by `open()` is refused: its writes could not be seen. Reading so is allowed.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from veristack_lab.labs.checking import FirstBad

READS = ("read", "pread", "readv", "preadv")
WRITES = ("write", "pwrite", "writev", "pwritev")
SYNCS = ("fsync", "fdatasync", "sync")
NAMES = ("rename", "replace", "unlink", "remove", "link", "truncate")
WATCHED = ("open", "ftruncate", *READS, *WRITES, *SYNCS, *NAMES)
_REAL: dict[str, Callable[..., Any]] = {name: getattr(os, name) for name in WATCHED}
_current: WatchedDisk | None = None
_installed = False

Key = tuple[int, int]


class PowerCut(BaseException):
    """The power has gone: nothing that follows happens. No check blames the learner for it."""


@dataclass
class Fault:
    """One call that fails."""

    kind: str
    """open, read, write, fsync or ftruncate; each stands for all functions of its kind."""
    code: int
    """Of the error, as in `errno`."""
    nth: int = 1
    """The first call of this kind that fails, counted from 1."""
    times: int = 1
    """How many calls fail, one after the other."""


@dataclass
class _Image:
    """A file: what the platter holds, and what the kernel believes that the platter holds."""

    durable: bytes
    clean: bytes
    dirty: list[tuple[int, int]] = field(default_factory=list)
    """Ranges that were written since, perhaps with the same bytes."""

    def sync(self, cache: bytes) -> None:
        """What differs from the clean content, and what was written, reaches the platter."""
        new = np.zeros(len(cache), np.uint8)
        kept = min(len(cache), len(self.durable))
        new[:kept] = np.frombuffer(self.durable[:kept], np.uint8)
        now = np.frombuffer(cache, np.uint8)
        common = min(len(cache), len(self.clean))
        differs = np.ones(len(cache), bool)
        differs[:common] = now[:common] != np.frombuffer(self.clean[:common], np.uint8)
        for start, end in self.dirty:
            differs[start:end] = True
        new[differs] = now[differs]
        self.durable, self.clean, self.dirty = new.tobytes(), cache, []

    def lose(self, cache: bytes) -> None:
        """A sync has failed: the kernel takes for clean what never reached the platter."""
        self.clean, self.dirty = cache, []


class WatchedDisk:
    """A folder under watch; use as a context manager around the calls of the learner's code.

    Args:
        folder: what is in it when the watch begins is durable.
        largest_read, largest_write: no call takes more bytes; None: no bound.
        space_bytes: how much may still be written before ENOSPC; None: no bound.
        faults: calls that fail.
        cut_at: the power is cut before the change of this number, counted from 1: a write, a
            sync, a truncation, a new or renamed or removed file. None: never.
    """

    def __init__(
        self,
        folder: Path,
        *,
        largest_read: int | None = None,
        largest_write: int | None = None,
        space_bytes: int | None = None,
        faults: Sequence[Fault] = (),
        cut_at: int | None = None,
    ) -> None:
        assert _installed, "faults.install() comes before the learner's file is loaded"
        self.folder = folder.resolve()
        self.largest_read, self.largest_write = largest_read, largest_write
        self.space_bytes, self.faults, self.cut_at = space_bytes, faults, cut_at
        self.changes, self.dead = 0, False
        self.rows: list[tuple[str, str]] = []
        """What happened, for `pictures.of_events`."""
        self._seen: dict[str, int] = {}
        self._images: dict[Key, _Image] = {}
        self._names: dict[str, Key] = {}
        self._sync_names()
        for path in self._files():
            self._image(path, path.read_bytes(), fresh=False)

    def __enter__(self) -> Self:
        global _current
        assert _current is None, "one disk at a time"
        _current = self
        return self

    def __exit__(self, *exc: object) -> None:
        global _current
        _current = None

    # ------------------------------------------------------------- what is durable

    def durable(self, path: Path) -> bytes | None:
        """The file as the last syncs of it and of its folder left it; None: it is not there."""
        key = self._names.get(path.name)
        return None if key is None else self._images[key].durable

    def possible(self, path: Path) -> list[bytes | None]:
        """What a power cut at this moment may leave of the file: all different, at least one.

        The name may be the one of the last sync of the folder, or today's; the content that of
        the last sync, today's, or between: a part of what was added, zeroes in its place.
        """
        keys = [self._names.get(path.name), _key(path) if path.exists() else None]
        found: list[bytes | None] = []
        for key in keys:
            found += [None] if key is None else self._contents(key, path)
        return list(dict.fromkeys(found))

    def _contents(self, key: Key, path: Path) -> list[bytes]:
        durable = self._images[key].durable
        now = path.read_bytes() if path.exists() and _key(path) == key else self._images[key].clean
        half = (len(durable) + len(now)) // 2 if len(now) > len(durable) else len(now)
        zeroes = durable.ljust(len(now), b"\0")
        return [durable, now, now[:half], zeroes]

    # ------------------------------------------------------------------ the calls

    def call(self, name: str, *arguments: Any, **named: Any) -> Any:
        """One call of a function of `os`: done, done in part, refused, or never done."""
        real = _REAL[name]
        if not arguments:  # all by name, in the order of the signature
            arguments, named = tuple(named.values()), {}
        if not self._touches(name, arguments):
            return real(*arguments, **named)
        kind = _kind_of(name)
        if name == "open" and not (arguments[1] & (os.O_CREAT | os.O_TRUNC)):
            self._perhaps_fail(kind, name)
            return real(*arguments, **named)
        if kind == "read":
            self._perhaps_fail(kind, name)
            return self._read(name, *arguments)
        self._change(name)
        self._perhaps_fail(kind, name, arguments)
        if kind == "write":
            return self._write(name, *arguments)
        if kind == "fsync":
            self._sync(arguments)
            self.rows.append(("your code", f"{name}: done"))
            return None
        made = name == "open" and not Path(arguments[0]).exists()
        result = real(*arguments, **named)
        if made:  # the number of the inode may have been another file's
            self._images.pop(_key(Path(arguments[0])), None)
        what = ", ".join(str(argument) for argument in arguments[1:] or arguments)
        self.rows.append(("your code", f"{name} {what}"))
        for path in self._files():
            self._image(path, b"", fresh=True)
        return result

    def _touches(self, name: str, arguments: tuple[Any, ...]) -> bool:
        if name == "sync":
            return True
        target = arguments[0]
        path = f"/proc/self/fd/{target}" if isinstance(target, int) else os.fspath(target)
        resolved = Path(os.fsdecode(path)).resolve()
        return self.folder in resolved.parents or resolved == self.folder

    def _change(self, name: str) -> None:
        if not self.dead:
            self.changes += 1
            self.dead = self.changes == self.cut_at
            if self.dead:
                self.rows.append(("the power", f"is cut before {name}"))
        if self.dead:
            raise PowerCut(f"the power is cut before {name}")

    def _perhaps_fail(self, kind: str, name: str, arguments: tuple[Any, ...] = ()) -> None:
        if self.dead:
            raise PowerCut("the power is cut")
        number = self._seen[kind] = self._seen.get(kind, 0) + 1
        for fault in self.faults:
            if fault.kind == kind and fault.nth <= number < fault.nth + fault.times:
                self.rows.append(("the disk", f"{name} fails: {os.strerror(fault.code)}"))
                if kind == "fsync" and arguments and (image := self._image_of(arguments[0])):
                    image.lose(_content(arguments[0]))
                raise OSError(fault.code, os.strerror(fault.code))

    def _read(self, name: str, fd: int, what: Any, *rest: Any) -> Any:
        if isinstance(what, int):
            size = what if self.largest_read is None else min(what, self.largest_read)
            return _REAL[name](fd, size, *rest)
        buffers = [memoryview(buffer).cast("B")[: self.largest_read] for buffer in what]
        # A short read of several buffers ends in the first that is not full.
        return _REAL[name](fd, buffers if self.largest_read is None else buffers[:1], *rest)

    def _write(self, name: str, fd: int, what: Any, *rest: Any) -> int:
        data = b"".join(what) if name in ("writev", "pwritev") else bytes(what)
        taken = data[: self.largest_write]
        if self.space_bytes is not None:
            taken = taken[: self.space_bytes]
            if data and not taken:
                self.rows.append(("the disk", f"{name} fails: {os.strerror(errno.ENOSPC)}"))
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self.space_bytes -= len(taken)
        flags = fcntl.fcntl(fd, fcntl.F_GETFL)
        at_end = bool(flags & os.O_APPEND)
        start = (
            os.fstat(fd).st_size if at_end else rest[0] if rest else os.lseek(fd, 0, os.SEEK_CUR)
        )
        done: int = _REAL["pwrite"](fd, taken, *rest[:1]) if rest else _REAL["write"](fd, taken)
        self.rows.append(("your code", f"{name} {done} of {len(data)} bytes at {start}"))
        image = self._image_of(fd)
        if image is not None:
            image.dirty.append((start, start + done))
            if flags & os.O_DSYNC:
                image.sync(_content(fd))
        return done

    def _sync(self, arguments: tuple[Any, ...]) -> None:
        for fd in arguments:
            if stat.S_ISDIR(os.fstat(fd).st_mode):
                self._sync_names()
            elif image := self._image_of(fd):
                image.sync(_content(fd))
        if not arguments:  # os.sync
            self._sync_names()
            for path in self._files():
                self._images[_key(path)].sync(path.read_bytes())

    # ----------------------------------------------------------------- bookkeeping

    def _files(self) -> list[Path]:
        return [path for path in sorted(self.folder.iterdir()) if path.is_file()]

    def _sync_names(self) -> None:
        self._names = {path.name: _key(path) for path in self._files()}

    def _image(self, path: Path, content: bytes, *, fresh: bool) -> None:
        """Know a file; a fresh one has nothing durable."""
        key = _key(path)
        if key not in self._images:
            self._images[key] = _Image(b"" if fresh else content, b"" if fresh else content)

    def _image_of(self, fd: int) -> _Image | None:
        found = os.fstat(fd)
        return self._images.get((found.st_dev, found.st_ino))


def install() -> None:
    """Stand in for the functions of `os` in this process, for good. Call it once, early."""
    global _installed
    if _installed:
        return
    _installed = True
    for name in WATCHED:
        setattr(os, name, _stand_in(name))
    sys.addaudithook(_refuse_unwatched)


def _stand_in(name: str) -> Callable[..., Any]:
    real = _REAL[name]

    def stand_in(*arguments: Any, **named: Any) -> Any:
        if _current is None:
            return real(*arguments, **named)
        return _current.call(name, *arguments, **named)

    stand_in.__name__ = stand_in.__qualname__ = name
    stand_in.__doc__ = real.__doc__
    return stand_in


def _refuse_unwatched(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "open" or _current is None:
        return
    path, mode, _ = arguments
    if isinstance(mode, str) and set(mode) & set("wax+") and _current._touches("open", (path,)):
        raise FirstBad(
            f"open({str(path)!r:.60}, {mode!r})",
            "os.open, os.write and their like, which the checks can watch",
            "a file object that writes by itself",
        )


def _kind_of(name: str) -> str:
    for kind, names in (("read", READS), ("write", WRITES), ("fsync", SYNCS)):
        if name in names:
            return kind
    return name


def _key(path: Path) -> Key:
    found = path.stat()
    return found.st_dev, found.st_ino


def _content(fd: int) -> bytes:
    return Path(f"/proc/self/fd/{fd}").read_bytes()
