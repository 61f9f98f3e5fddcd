"""A read-only view of a disk with some bytes changed; the disk itself is never written to."""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from veristack_lab.veristore.disk import Disk, File

Flips = Mapping[int, int]
"""Offset in a file -> the bits of that byte that are turned over."""


def _refuse(self: object, *_: object, **__: object) -> NoReturn:
    raise OSError(errno.EROFS, f"{self!r} is a read-only view of a disk and changes nothing")


class HeldFile:
    """Bytes that were read before, as a file. Everything that would change it raises `OSError`."""

    def __init__(self, name: str, data: bytes) -> None:
        self._name = name
        self._data = data

    def __repr__(self) -> str:
        return f"<HeldFile {self._name}>"

    def read(self, offset: int, size_bytes: int) -> bytes:
        return self._data[offset : offset + size_bytes]

    def size(self) -> int:
        return len(self._data)

    def close(self) -> None:
        """There is nothing to close."""

    pwrite = append = truncate = fdatasync = _refuse


class FlippedFile:
    """A file read through its flips. Everything that would change it raises `OSError`."""

    def __init__(self, path: Path, file: File, flips: Flips) -> None:
        self._path = path
        self._file = file
        self._flips = flips

    def __repr__(self) -> str:
        return f"<FlippedFile {self._path.name}>"

    def read(self, offset: int, size_bytes: int) -> bytes:
        data = self._file.read(offset, size_bytes)
        hit = [place for place in self._flips if offset <= place < offset + len(data)]
        if not hit:
            return data
        changed = bytearray(data)
        for place in hit:
            changed[place - offset] ^= self._flips[place]
        return bytes(changed)

    def size(self) -> int:
        return self._file.size()

    def close(self) -> None:
        self._file.close()

    pwrite = append = truncate = fdatasync = _refuse


class FlippedDisk:
    """Another disk, read-only, one of its files seen with flipped bits. It takes no lock.

    Everything that would change the disk raises `OSError`.

    Args:
        disk: what is looked at.
        path: the file that is seen changed.
        flips: its changes.
        held: the bytes that the file had; None: those that it has when it is opened.
    """

    def __init__(self, disk: Disk, path: Path, flips: Flips, held: bytes | None = None) -> None:
        self._disk = disk
        self._path = path
        self._flips = dict(flips)
        self._held = held

    def __repr__(self) -> str:
        return f"<FlippedDisk {self._path.name}: {len(self._flips)} bytes>"

    def open(self, path: Path, *, create: bool = False) -> FlippedFile:
        if create:
            _refuse(self)
        if path != self._path:
            return FlippedFile(path, self._disk.open(path), {})
        held = self._held
        file = self._disk.open(path) if held is None else HeldFile(path.name, held)
        return FlippedFile(path, file, self._flips)

    def exists(self, path: Path) -> bool:
        return self._disk.exists(path)

    def is_dir(self, path: Path) -> bool:
        return self._disk.is_dir(path)

    def listdir(self, path: Path) -> Sequence[str]:
        return self._disk.listdir(path)

    make_dir = rename = unlink = fsync_dir = lock = _refuse
