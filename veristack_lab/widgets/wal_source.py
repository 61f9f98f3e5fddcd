"""Where the microscope finds a log: a store's folder, one of its segments, or bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from veristack_lab.errors import NotAStore
from veristack_lab.veristore.disk import Disk, File, RealDisk
from veristack_lab.veristore.read_only import ReadOnlyDisk

SEGMENT_NAME = re.compile(r"(damaged-)?log-\d{10}\Z")


@dataclass(frozen=True)
class Source:
    """A folder on a disk, and the segment in it to show first."""

    disk: Disk
    folder: Path
    segment: str


def source_of(log: Path | str | bytes, disk: Disk | None) -> Source:
    """Find the log: a store's newest segment, one file, or bytes.

    Raises:
        NotAStore: there is no log.
    """
    if isinstance(log, bytes):
        return _source_of_bytes(log)
    where, path = disk or ReadOnlyDisk(RealDisk()), Path(log)
    if where.is_dir(path):
        names = segment_names(where, path)
        if not names:
            raise NotAStore(f"there is no log in {path}; give the folder of a store")
        return Source(where, path, names[-1])
    if not where.exists(path):
        raise NotAStore(f"{path} does not exist; give the folder of a store, or a segment of it")
    if SEGMENT_NAME.match(path.name):
        return Source(where, path.parent, path.name)
    with opened(where, path) as file:
        return _source_of_bytes(file.read(0, file.size()))


def _source_of_bytes(data: bytes) -> Source:
    from veristack_lab.sim import SimDisk  # a disk in memory; only bytes need one

    folder = Path("/bytes")
    epoch = int.from_bytes(data[12:16], "little")
    disk = SimDisk()
    disk.make_dir(folder)
    name = f"log-{epoch:010d}"
    file = disk.open(folder / name, create=True)
    file.append(data)
    file.close()
    return Source(disk, folder, name)


def segment_names(disk: Disk, folder: Path) -> list[str]:
    """Segments of a folder, those in use last and by age; damaged ones that were kept first."""
    names = [name for name in disk.listdir(folder) if SEGMENT_NAME.match(name)]
    return sorted(names, key=lambda name: (not name.startswith("damaged-"), name))


@contextmanager
def opened(disk: Disk, path: Path) -> Iterator[File]:
    """A file, closed afterwards."""
    file = disk.open(path)
    try:
        yield file
    finally:
        file.close()
