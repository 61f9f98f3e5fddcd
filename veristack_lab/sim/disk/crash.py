"""Kinds of power cuts, and how to pick one image of a kind."""

from __future__ import annotations

import random

from veristack_lab.errors import InvalidInput
from veristack_lab.sim.disk.file_images import FileImages, parse
from veristack_lab.sim.disk.images import Images
from veristack_lab.sim.disk.state import DiskState

POLICIES = {
    "lost": "nothing since the last syncs is there",
    "kept": "everything is there, synced or not",
    "sectors": "some sectors are there, others are not; missing new ones read as zeros",
    "garbage": "some sectors are there; missing new ones read as garbage",
    "stale": "some sectors are there; missing new ones read as a deleted file",
    "length-only": "files have their new length without the data",
    "data-only": "overwritten sectors are there, the new length is not",
    "names": "data all or none; some folder operations took place, others did not",
    "torn": "the write under way stops at a byte",
}
"""What kinds of losses there are. "any" stands for a free choice among all legal images."""

_FILL = {"sectors": "z", "garbage": "g", "stale": "s"}


def choose(disk: DiskState, policy: str, seed: int) -> str:
    """Pick a legal image of a kind, or the nearest one if the moment has none of that kind.

    Raises:
        InvalidInput: there is no such policy.
    """
    if policy not in POLICIES and policy != "any":
        raise InvalidInput(f"there is no policy {policy!r}; there are any, {', '.join(POLICIES)}")
    images = Images(disk, 1, None)
    rng = random.Random(f"{disk.seed}/{policy}/{seed}")
    keep_names = policy not in ("lost", "any", "names")
    names = [
        folder.kept if keep_names else folder.lost if policy == "lost" else folder.sample(rng)
        for folder in images.folders
    ]
    keep_data = policy == "names" and rng.random() < 0.5
    data = [
        part.kept if keep_data else _choose_file(part, policy, rng)
        for part in images.files.values()
    ]
    return " ".join((*names, *data))


def _choose_file(part: FileImages, policy: str, rng: random.Random) -> str:
    if policy in ("lost", "names"):
        return part.lost
    if policy == "kept":
        return part.kept
    if policy == "length-only":
        return part.length_only
    if policy == "torn":
        torn = part.torn(None)
        return rng.choice(torn) if torn else part.kept
    choice = part.sample(rng)
    if policy == "any":
        torn = part.torn(None)
        return rng.choice(torn) if torn and rng.random() < 0.2 else choice
    return _of_kind(part, choice, policy, rng)


def _of_kind(part: FileImages, choice: str, policy: str, rng: random.Random) -> str:
    if policy == "data-only":
        sectors = part.sectors(0)
        versions = (rng.randrange(count) for _, count in sectors)
        return f"{part.inode}=0.{''.join(map(str, versions))}.z"
    for _ in range(64):
        found = parse(choice.partition("=")[2])
        if found.changes == part.lengths[-1] and found.fill == _FILL[policy]:
            return choice
        choice = part.sample(rng)
    return choice


def policies_of(images: Images) -> list[str]:
    """The policies that can differ from each other at a moment."""
    found = ["lost", "kept"] if images.folders or images.files else ["kept"]
    if images.folders:
        found.append("names")
    if images.files:
        found += ["sectors", "garbage", "length-only", "data-only"]
        if images.torn:
            found.append("torn")
        if any("s" in part.fills for part in images.files.values()):
            found.append("stale")
    return found
