"""Where each part of one write is: only in the cache, or on the disk whatever happens.

Nothing is looked up inside the simulated disk. A part is on the disk if every power cut that may
come now leaves it as it is; else a cut may take it, and it is only in the cache.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from veristack_lab.errors import InvalidInput
from veristack_lab.sim.disk.inode import SECTOR_BYTES
from veristack_lab.sim.disk.simdisk import SimDisk

NOWHERE, CACHE, PLATTER = "not there", "in the cache", "on the disk"
_IMAGES = 2_000
_FOLDER, _FILE = Path("/desk"), Path("/desk/letter")


def life_of_a_write(size_bytes: int = 1500) -> pd.DataFrame:
    """Make a file, write to it, sync it, sync its folder; after each step, where its parts are.

    Args:
        size_bytes: length of the write, in sectors of 512 bytes; at most 8 of them.

    Returns:
        One row a step and part: `step`, `part` ("entry in the folder", "length", "sector 1", ...),
        `place` ("not there", "in the cache", "on the disk").

    Raises:
        InvalidInput: nothing is written, or more than 8 sectors.
    """
    if not 0 < size_bytes <= 8 * SECTOR_BYTES:
        raise InvalidInput(f"{size_bytes} bytes; give 1 to {8 * SECTOR_BYTES}")
    disk, rows = SimDisk(), []
    disk.make_dir(_FOLDER)
    file = disk.open(_FILE, create=True)
    steps = (
        ("file made", lambda: None),
        ("written", lambda: file.append(b"D" * size_bytes)),
        ("fdatasync of the file", file.fdatasync),
        ("fsync of the folder", lambda: disk.fsync_dir(_FOLDER)),
    )
    for step, do in steps:
        do()
        rows += [(step, part, place) for part, place in _places(disk, size_bytes).items()]
    frame = pd.DataFrame(rows, columns=["step", "part", "place"])
    frame.attrs = {"size_bytes": size_bytes, "seed": None}
    return frame


def _places(disk: SimDisk, size_bytes: int) -> dict[str, str]:
    now = _content(disk)
    cuts = [_content(disk.image(image.choice)) for image in disk.images(_IMAGES)]
    found = [content for content in cuts if content is not None]
    places = {"entry in the folder": PLATTER if len(found) == len(cuts) else CACHE}
    if not now:
        return places | dict.fromkeys(_parts(size_bytes), NOWHERE)
    for part, (start, end) in _parts(size_bytes).items():
        certain = all(_same(content, now, start, end) for content in found)
        places[part] = PLATTER if certain else CACHE
    return places


def _parts(size_bytes: int) -> dict[str, tuple[int, int]]:
    starts = range(0, size_bytes, SECTOR_BYTES)
    sectors = {
        f"sector {number}": (start, min(start + SECTOR_BYTES, size_bytes))
        for number, start in enumerate(starts, 1)
    }
    return {"length": (0, 0), **sectors}


def _same(content: bytes, now: bytes, start: int, end: int) -> bool:
    if end == 0:
        return len(content) == len(now)
    return content[start:end] == now[start:end]


def _content(disk: SimDisk) -> bytes | None:
    if not disk.exists(_FILE):
        return None
    file = disk.open(_FILE)
    return file.read(0, file.size())
