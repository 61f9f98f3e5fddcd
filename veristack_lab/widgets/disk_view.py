"""What a simulated disk looks like at one moment, and what one power cut would leave of it.

Each sector and each name is in one of a few states. While the power is on there are two:
`durable` and `cached`, which is what no sync has covered. In an image of a power cut every cached
sector or name is in one of these states:

    kept     it is as the program last wrote it, although nothing guaranteed that
    lost     it is as it was at the last sync
    torn     the write stopped inside it
    zeros, garbage, stale
             the file has grown over it, and its data never came: it reads as zeros, as
             anything, or as what was in a file deleted earlier
    other    an older version of it
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from veristack_lab.sim.disk.inode import SECTOR_BYTES, FileState
from veristack_lab.sim.disk.simdisk import SimDisk

SECTORS_SHOWN = 96
FILES_SHOWN = 24
ROOT_INODE = 1
SECTOR_WORDS = {
    "durable": "covered by a sync: every power cut leaves it",
    "cached": "changed since the last sync: a power cut may keep the change or lose it",
    "kept": "changed since the last sync, and the change happens to have reached the disk",
    "lost": "changed since the last sync, and the change is lost",
    "torn": "the write under way stopped inside it",
    "zeros": "the file grew over it and the data never came: it reads as zeros",
    "garbage": "the file grew over it and the data never came: it holds garbage",
    "stale": "the file grew over it and the data never came: it holds a deleted file's bytes",
    "other": "changed more than once since the last sync, and holds an older version",
}
NAME_WORDS = {
    "durable": "the name is durable",
    "made": "the name is new, and the folder was not synced since",
    "removed": "the name was removed, and the folder was not synced since",
    "replaced": "the name leads to another file, and the folder was not synced since",
    "kept": "what happened to the name was not synced, and has reached the disk",
    "lost": "what happened to the name was not synced, and is undone",
}
_CODES = {name: name[0].upper() for name in SECTOR_WORDS}
_TORN = re.compile(r"(?:^| )(\d+)=[tT](\d+)")
_FILL = re.compile(r"(?:^| )(\d+)=\d+\.\w*\.([zgs])")
_FILLS = {"z": "zeros", "g": "garbage", "s": "stale"}


@dataclass(frozen=True)
class Cut:
    """One image of a power cut."""

    choice: str
    """As `sim.Image.choice`."""
    disk: SimDisk


def files(disk: SimDisk, cut: Cut | None) -> list[dict[str, Any]]:
    """Every file that has, had or would have a name, with its sectors.

    Returns:
        One row a name: `path`, `name`, `name_state`, `name_words`, `size` (as the program
        sees it or, after a cut, as the image has it; None where there is no such file),
        `sectors` (a letter each, the first of a state's name: D C K L T Z G S O), `more`
        (sectors not shown). Folders are listed only while their own name is not durable.
    """
    rows = [row for folder in _folders(disk) for row in _folder_rows(disk, cut, *folder)]
    return rows[:FILES_SHOWN]


def _folders(disk: SimDisk, inode: int = ROOT_INODE, at: str = "") -> Iterator[tuple[int, str]]:
    yield inode, at
    folder = disk.folders[inode]
    for name, child in sorted({**folder.durable, **folder.cached}.items()):
        if child in disk.folders:
            yield from _folders(disk, child, f"{at}/{name}")


def _folder_rows(disk: SimDisk, cut: Cut | None, inode: int, at: str) -> Iterator[dict[str, Any]]:
    folder = disk.folders[inode]
    image: Mapping[str, int] = {}
    if cut is not None and inode in cut.disk.folders:
        image = cut.disk.folders[inode].cached
    for name in sorted({*folder.cached, *folder.durable}):
        cached, durable = folder.cached.get(name, 0), folder.durable.get(name, 0)
        name_state = _name_state(cached, durable, image.get(name, 0), cut)
        row = {"path": f"{at}/{name}", "name": name, "name_state": name_state}
        row["name_words"] = NAME_WORDS[name_state]
        shown = image.get(name, 0) if cut is not None else cached
        if (cached or durable) not in disk.folders:
            yield row | _contents(disk, cut, shown or cached or durable, bool(shown))
        elif name_state != "durable":
            size = 0 if shown else None
            yield row | {"name": f"{name}/", "size": size, "sectors": "", "more": 0}


def _name_state(cached: int, durable: int, image: int, cut: Cut | None) -> str:
    if cached == durable:
        return "durable"
    if cut is not None:
        return "kept" if image == cached else "lost"
    if not durable:
        return "made"
    return "replaced" if cached else "removed"


def _contents(disk: SimDisk, cut: Cut | None, inode: int, is_there: bool) -> dict[str, Any]:
    state = disk.files[inode]
    image = None
    if cut is not None:
        image = bytes(cut.disk.files[inode].cached) if is_there else b""
    choice = cut.choice if cut is not None else ""
    fills = {int(found[1]): _FILLS[found[2]] for found in _FILL.finditer(choice)}
    torn = _torn_sector(state, inode, choice)
    states = sector_states(state, image, torn=torn, fill=fills.get(inode, "zeros"))
    return {
        "size": len(state.cached if image is None else image) if is_there else None,
        "sectors": "".join(_CODES[one] for one in states[:SECTORS_SHOWN]),
        "more": max(0, len(states) - SECTORS_SHOWN),
    }


def _torn_sector(state: FileState, inode: int, choice: str) -> int | None:
    """The sector inside which a torn write stopped, if one did."""
    for found in _TORN.finditer(choice):
        if int(found[1]) == inode and state.unsynced:
            return (state.unsynced[-1].offset + int(found[2])) // SECTOR_BYTES
    return None


def sector_states(
    state: FileState,
    image: bytes | None = None,
    *,
    torn: int | None = None,
    fill: str = "zeros",
) -> list[str]:
    """The state of each sector of a file; see this module.

    Args:
        state: the file as the power fails, or is on.
        image: what a power cut left of it; None: the power is on.
        torn: number of the sector inside which the last write stopped.
        fill: how the image reads where nothing was ever written.
    """
    touched = _touched(state)
    size = max(len(state.cached), len(state.durable), len(image or b""))
    found = []
    for number in range(-(-size // SECTOR_BYTES)):
        fate = _sector_state(state, number, number in touched, image)
        if number == torn and fate in ("lost", "other"):
            fate = "torn"
        elif fate == "other":
            fate = _filling(state, number, image or b"", fill)
        found.append(fate)
    return found


def _filling(state: FileState, number: int, image: bytes, fill: str) -> str:
    """What a sector holds that has neither its old nor its new bytes."""
    end = (number + 1) * SECTOR_BYTES
    beyond = max(number * SECTOR_BYTES, min(len(state.durable), end))
    if beyond < min(end, len(image)) and not any(image[beyond:end]):
        return "zeros"
    return fill if number * SECTOR_BYTES >= len(state.durable) else "other"


def _touched(state: FileState) -> set[int]:
    touched: set[int] = set()
    for change in state.unsynced:
        first, end = change.offset, change.offset + len(change.data)
        if change.truncates:
            first, end = sorted((change.length, len(state.durable)))
        touched.update(range(first // SECTOR_BYTES, -(-end // SECTOR_BYTES)))
    return touched


def _sector_state(state: FileState, number: int, is_touched: bool, image: bytes | None) -> str:
    part = slice(number * SECTOR_BYTES, (number + 1) * SECTOR_BYTES)
    new, old = state.cached[part], state.durable[part]
    if not is_touched and new == old:
        return "durable"
    if image is None:
        return "cached"
    if image[part] == new:
        return "kept"
    return "lost" if image[part] == old else "other"
