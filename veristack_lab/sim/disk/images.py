"""Everything that a power cut may leave of a whole disk, enumerated or sampled.

An image is a choice for each file and folder that has unsynced changes; the choices are
independent of each other. Up to a limit all combinations are given. Beyond it come the informative
ones (each file and folder alone, between all and nothing), then a seeded sample;
`Images.is_exhaustive` is then false. Torn writes are counted apart: there is one for every byte.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, product
from math import prod

from veristack_lab.sim.disk.content import Content
from veristack_lab.sim.disk.file_images import FileImages, FolderImages, parse
from veristack_lab.sim.disk.state import DiskState


@dataclass(frozen=True)
class Image:
    """One legal state after a power cut."""

    choice: str
    """Names the image; `SimDisk.image` makes it."""
    policy: str
    """What kind of loss it is: one of `crash.POLICIES`."""
    seed: int
    """Seed of the sample it belongs to; 0 for enumerated images."""


class Images:
    """The images of one disk at one moment. Iterate over it.

    Args:
        disk: the disk at the moment the power fails.
        limit: enumerates all legal images if there are at most `limit`, else the extremes and a
            sample.
        byte_cuts: number of byte positions at which the write is torn; None means all.
    """

    def __init__(self, disk: DiskState, limit: int, byte_cuts: int | None) -> None:
        self._disk = disk
        self._limit = limit
        self._byte_cuts = byte_cuts
        folders = sorted(disk.folders.items())
        self.folders = [FolderImages(inode, state) for inode, state in folders if state.pending]
        last = disk.operations[-1] if disk.operations else None
        torn = last.inode if last is not None and last.kind == "pwrite" else 0
        stale = disk.freed[0] if disk.freed else Content()
        self.files = {
            inode: FileImages(inode, state, stale, disk.seed, torn=inode == torn)
            for inode, state in sorted(disk.files.items())
            if state.unsynced
        }

    def __repr__(self) -> str:
        return f"<Images {self.legal} legal, limit {self._limit}>"

    def __iter__(self) -> Iterator[Image]:
        seen: set[str] = set()
        for choice, seed in self._choices():
            if choice not in seen:
                seen.add(choice)
                yield Image(choice, self.policy_of(choice), seed)

    @property
    def is_exhaustive(self) -> bool:
        """Whether every legal choice of names, lengths and sectors is among them."""
        return self.legal <= self._limit

    @cached_property
    def legal(self) -> int:
        """How many combinations of names, lengths and sectors are legal, torn writes apart."""
        return sum(
            prod(part.count for part in self._visible(names)) for names in self._name_choices()
        )

    @cached_property
    def torn(self) -> int:
        """How many further images tear the write under way at a byte."""
        return sum(len(part.torn(None)) for part in self.files.values())

    # ---------------------------------------------------------------- choosing

    def _choices(self) -> Iterator[tuple[str, int]]:
        if self.is_exhaustive:
            plain: Iterator[tuple[str, int]] = ((choice, 0) for choice in self._every())
        else:
            plain = islice(self._telling_and_sample(), self._limit)
        yield from plain
        for inode, part in self.files.items():
            for choice in part.torn(self._byte_cuts, self._disk.seed):
                yield self._combine(kept=True, change=(inode, choice)), 0

    def _every(self) -> Iterator[str]:
        for names in self._name_choices():
            for data in product(*(part.every() for part in self._visible(names))):
                yield " ".join((*names, *data))

    def _telling_and_sample(self) -> Iterator[tuple[str, int]]:
        for kept in (False, True):
            yield self._combine(kept=kept), 0
        for kept in (True, False):
            for folder in self.folders:
                for choice in islice(folder.every(), self._limit):
                    yield self._combine(kept=kept, change=(folder.inode, choice)), 0
        for inode, part in self.files.items():
            for choice in islice(part.extremes(), self._limit):
                yield self._combine(kept=True, change=(inode, choice)), 0
        for seed in range(1, 4 * self._limit):
            yield self.sample(random.Random(f"{self._disk.seed}/{seed}")), seed

    def _combine(self, *, kept: bool, change: tuple[int, str] | None = None) -> str:
        """All kept or all lost, but one file or folder as given."""
        parts: list[FolderImages | FileImages] = [*self.folders, *self.files.values()]
        texts = [
            change[1]
            if change is not None and change[0] == part.inode
            else (part.kept if kept else part.lost)
            for part in parts
        ]
        return " ".join(texts)

    def sample(self, rng: random.Random) -> str:
        """Any legal choice."""
        parts: list[FolderImages | FileImages] = [*self.folders, *self.files.values()]
        return " ".join(part.sample(rng) for part in parts)

    def _name_choices(self) -> Iterator[tuple[str, ...]]:
        return product(*(folder.every() for folder in self.folders))

    def _visible(self, names: Sequence[str]) -> list[FileImages]:
        """Files with unsynced changes that some name leads to."""
        reachable = {
            inode for folder in self._folders_as(names).values() for inode in folder.values()
        }
        return [part for inode, part in self.files.items() if inode in reachable]

    def _folders_as(self, names: Sequence[str]) -> dict[int, dict[str, int]]:
        chosen = {int(text.partition("=")[0]): text for text in names}
        bound = {inode: dict(state.durable) for inode, state in self._disk.folders.items()}
        for folder in self.folders:
            bound[folder.inode] = folder.build(chosen.get(folder.inode, folder.lost))
        return bound

    # ---------------------------------------------------------------- building

    def build(self, choice: str) -> tuple[dict[int, Content], dict[int, dict[str, int]]]:
        """Files and folders that a choice leaves, for `DiskModel.restore`.

        What the choice does not mention is lost.
        """
        texts = choice.split()
        chosen = {int(text.partition("=")[0]): text for text in texts}
        folders = self._folders_as([text for text in texts if _inode_of(text) not in self.files])
        files: dict[int, Content] = {}
        alive: dict[int, dict[str, int]] = {}
        waiting = [1]
        while waiting:
            inode = waiting.pop()
            alive[inode] = folders[inode]
            for child in alive[inode].values():
                if child in folders:
                    waiting.append(child)
                elif child in self.files:
                    part = self.files[child]
                    files[child] = part.build(chosen.get(child, part.lost))
                else:
                    files[child] = self._disk.files[child].durable
        return files, alive

    # ---------------------------------------------------------------- telling

    def policy_of(self, choice: str) -> str:
        """What kind of loss a choice is."""
        texts = {_inode_of(text): text for text in choice.split()}
        data = [(self.files[i], text) for i, text in texts.items() if i in self.files]
        names = [texts.get(folder.inode, folder.lost) for folder in self.folders]
        if any("=t" in text or "=T" in text for _, text in data):
            return "torn"
        all_names_kept = all(t == f.kept for t, f in zip(names, self.folders, strict=True))
        all_names_lost = all(t == f.lost for t, f in zip(names, self.folders, strict=True))
        data_kept = all(text == part.kept for part, text in data)
        data_lost = all(text == part.lost for part, text in data)
        if data_kept and all_names_kept:
            return "kept"
        if data_lost and all_names_lost:
            return "lost"
        if data_kept or data_lost:
            return "names"
        return _kind_of_loss(data)


def _kind_of_loss(data: Sequence[tuple[FileImages, str]]) -> str:
    choices = [parse(text.partition("=")[2]) for part, text in data if text != part.kept]
    fills = {choice.fill for choice in choices}
    if "s" in fills:
        return "stale"
    if "g" in fills:
        return "garbage"
    if all(choice.changes and not any(choice.versions) for choice in choices):
        return "length-only"
    if all(not choice.changes and any(choice.versions) for choice in choices):
        return "data-only"
    return "sectors"


def _inode_of(text: str) -> int:
    return int(text.partition("=")[0])
