"""What a power cut may leave of one file, and of one folder.

A choice is a short text, so that any image can be named in a table and made again:

    file     "7=2.011.z"   inode 7; the length after 2 unsynced changes; of the three sectors
                           touched and visible the first is as before, the others are as after
                           change 1; sectors never written read as zeros (z), garbage (g) or
                           as what was in a file deleted earlier (s)
             "7=t120"      all but the last write, of which 120 bytes and the length for them
             "7=T120"      the same with the full length; the rest reads as zeros
    folder   "3=101"       of three unsynced operations the first and the last took place
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod

from veristack_lab.sim.disk.content import Content
from veristack_lab.sim.disk.inode import (
    SECTOR_BYTES,
    Change,
    FileState,
    FolderState,
    advance,
    bind,
)

FILLS = "zgs"
"""How a sector reads that was allocated and never written: zeros, garbage, stale data."""
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class FileChoice:
    """Which of the unsynced changes of a file made it, sector by sector."""

    changes: int
    """How many changes the length reflects."""
    versions: tuple[int, ...]
    """For each visible sector: 0 as before, i as after the ith change that touched it."""
    fill: str = "z"

    def __str__(self) -> str:
        versions = "".join(_DIGITS[version] for version in self.versions)
        return f"{self.changes}.{versions}.{self.fill}"


class FileImages:
    """The legal images of one file with unsynced changes.

    Length and data travel apart: the length is that after any number of the changes; each
    touched sector is, on its own, as it was or as any of the changes made it. Bytes that were
    synced are the same in all images: what a sector held before is written with it again.

    Args:
        inode: the file's number.
        state: the file.
        stale: what deleted files held, or empty.
        seed: decides the garbage.
        torn: whether the last change was on its way when the power failed.
    """

    def __init__(
        self, inode: int, state: FileState, stale: Content, seed: int, *, torn: bool = False
    ) -> None:
        self.inode = inode
        self.state = state
        self.unsynced = state.unsynced
        self._stale = stale
        self._seed = seed
        self._sectors: dict[int, list[tuple[int, int]]] = {}
        self._torn = torn and bool(self.unsynced) and not self.unsynced[-1].truncates

    @cached_property
    def _history(self) -> list[Content]:
        history = [self.state.durable]
        for change in self.unsynced:
            history.append(advance(history[-1], change))
        return history

    @cached_property
    def lengths(self) -> list[int]:
        """Numbers of changes after which the file has another length than before."""
        found = [0]
        for number, change in enumerate(self.unsynced, 1):
            if change.truncates or change.length != len(self._history[found[-1]]):
                found.append(number)
        return found

    def sectors(self, changes: int) -> list[tuple[int, int]]:
        """Touched sectors that are visible at a length, each with its number of versions."""
        if changes not in self._sectors:
            size = len(self._history[changes])
            touched = {
                sector
                for change in self.unsynced
                if not change.truncates and change.data
                for sector in _sectors_of(change)
                if sector * SECTOR_BYTES < size
            }
            found = ((sector, 1 + len(self._writers(sector, changes))) for sector in touched)
            self._sectors[changes] = sorted(each for each in found if each[1] > 1)
        return self._sectors[changes]

    def _writers(self, sector: int, changes: int) -> list[int]:
        """Numbers of the changes whose version of a sector shows at a length."""
        base, start = self._base(changes), sector * SECTOR_BYTES
        end = min(start + SECTOR_BYTES, len(base))
        seen = set() if self.is_fresh(sector) else {base[start:end]}
        found: list[int] = []
        for number, change in enumerate(self.unsynced, 1):
            if change.truncates:
                if number <= changes and change.length < (sector + 1) * SECTOR_BYTES:
                    found.clear()  # the cut is on disk: what was written before it is gone
            elif change.data and sector in _sectors_of(change):
                shown = _padded(self._history[number][start:end], end - start)
                if shown not in seen:
                    seen.add(shown)
                    found.append(number)
        return found

    def _base(self, changes: int) -> Content:
        """The content if only the lengths of the first n changes are on disk."""
        content = self.state.durable
        for change in self.unsynced[:changes]:
            if change.truncates or change.length > len(content):
                content = content.resized(change.length)
        return content

    @property
    def touched(self) -> frozenset[int]:
        """Sectors that an unsynced write touches."""
        writes = [each for each in self.unsynced if each.data and not each.truncates]
        return frozenset(sector for write in writes for sector in _sectors_of(write))

    def is_fresh(self, sector: int) -> bool:
        """Whether no byte of the sector was ever durable."""
        return sector * SECTOR_BYTES >= len(self.state.durable)

    # ---------------------------------------------------------------- choosing

    @property
    def fills(self) -> str:
        """The possible fills: stale data needs a deleted file."""
        return FILLS if self._stale else FILLS[:2]

    @property
    def lost(self) -> str:
        """Nothing since the last sync."""
        return self._name(FileChoice(0, (0,) * len(self.sectors(0))))

    @property
    def kept(self) -> str:
        """Everything."""
        last = self.lengths[-1]
        versions = tuple(count - 1 for _, count in self.sectors(last))
        return self._name(FileChoice(last, versions))

    @property
    def length_only(self) -> str:
        """The length without the data."""
        last = self.lengths[-1]
        return self._name(FileChoice(last, (0,) * len(self.sectors(last))))

    @property
    def count(self) -> int:
        """How many choices `every` gives."""
        total = 0
        for changes in self.lengths:
            sectors = self.sectors(changes)
            everything = prod(count for _, count in sectors)
            written = prod(count - self.is_fresh(sector) for sector, count in sectors)
            total += written + len(self.fills) * (everything - written)
        return total

    def every(self) -> Iterator[str]:
        """All choices of length, sectors and fill; each fill holds for the whole file."""
        for changes in self.lengths:
            sectors = self.sectors(changes)
            for versions in product(*(range(count) for _, count in sectors)):
                for fill in self.fills if self._has_hole(sectors, versions) else "z":
                    yield self._name(FileChoice(changes, versions, fill))

    def extremes(self) -> Iterator[str]:
        """A few informative choices: all, none, the length alone, one sector alone or lost."""
        yield from (self.lost, self.kept)
        for changes in self.lengths:
            sectors = self.sectors(changes)
            written = [count - 1 for _, count in sectors]
            patterns = [[0] * len(sectors)]
            for position in range(len(sectors)):
                alone = [0] * len(sectors)
                alone[position] = written[position]
                missing = written.copy()
                missing[position] = 0
                patterns += [missing, alone]
            for pattern in patterns:
                for fill in self.fills if self._has_hole(sectors, pattern) else "z":
                    yield self._name(FileChoice(changes, tuple(pattern), fill))

    def sample(self, rng: random.Random) -> str:
        """Any choice."""
        changes = rng.choice(self.lengths)
        sectors = self.sectors(changes)
        versions = tuple(rng.randrange(count) for _, count in sectors)
        fill = rng.choice(self.fills) if self._has_hole(sectors, versions) else "z"
        return self._name(FileChoice(changes, versions, fill))

    def torn(self, limit: int | None, seed: int = 0) -> list[str]:
        """Choices that tear the last write at a byte: all, or the edges and some others."""
        if not self._torn:
            return []
        change = self.unsynced[-1]
        cuts: Sequence[int] = range(1, len(change.data))
        if limit is not None and len(cuts) > limit:
            edges = {1, len(change.data) - 1}
            edges.update(s * SECTOR_BYTES - change.offset for s in list(_sectors_of(change))[1:])
            picked = random.Random(f"{seed}/{self.inode}/{change.offset}").sample(cuts, limit)
            cuts = sorted({*sorted(edges)[:limit], *picked[: max(0, limit - len(edges))]})
        return [f"{self.inode}={kind}{cut}" for cut in cuts for kind in "tT"]

    def _has_hole(self, sectors: Sequence[tuple[int, int]], versions: Sequence[int]) -> bool:
        return any(
            version == 0 and self.is_fresh(sector)
            for (sector, _), version in zip(sectors, versions, strict=True)
        )

    def _name(self, choice: FileChoice) -> str:
        return f"{self.inode}={choice}"

    # ---------------------------------------------------------------- building

    def build(self, choice: str) -> Content:
        """The content that a choice leaves."""
        text = choice.partition("=")[2]
        if text[0] in "tT":
            return self._build_torn(int(text[1:]), full_length=text[0] == "T")
        return self._build(parse(text))

    def _build(self, choice: FileChoice) -> Content:
        content = self._base(choice.changes)
        pieces = bytearray(bytes(content))
        for (sector, _), version in zip(self.sectors(choice.changes), choice.versions, strict=True):
            start = sector * SECTOR_BYTES
            end = min(start + SECTOR_BYTES, len(content))
            if version:
                writer = self._writers(sector, choice.changes)[version - 1]
                pieces[start:end] = _padded(self._history[writer][start:end], end - start)
            elif self.is_fresh(sector):
                pieces[start:end] = self._filling(choice.fill, sector)[: end - start]
        return Content(bytes(pieces))

    def _build_torn(self, cut: int, *, full_length: bool) -> Content:
        last = self.unsynced[-1]
        content = self._history[-2].written(last.offset, last.data[:cut])
        return content.resized(last.length) if full_length else content

    def _filling(self, fill: str, sector: int) -> bytes:
        if fill == "g":
            return random.Random(f"{self._seed}/{self.inode}/{sector}").randbytes(SECTOR_BYTES)
        if fill == "s":
            start = sector * SECTOR_BYTES
            return _padded(self._stale[start : start + SECTOR_BYTES], SECTOR_BYTES)
        return bytes(SECTOR_BYTES)


def _padded(data: bytes, size_bytes: int) -> bytes:
    return data[:size_bytes].ljust(size_bytes, b"\0")


def parse(text: str) -> FileChoice:
    """A file's choice from its text after the inode number."""
    changes, versions, fill = text.split(".")
    return FileChoice(int(changes), tuple(_DIGITS.index(digit) for digit in versions), fill)


def _sectors_of(change: Change) -> range:
    end = change.offset + len(change.data)
    return range(change.offset // SECTOR_BYTES, -(-end // SECTOR_BYTES))


class FolderImages:
    """The legal images of one folder with unsynced operations.

    Each operation took place as a whole or not at all. Those that share a name keep their
    order; others do not, so an unlink may be on disk before an earlier rename.
    """

    def __init__(self, inode: int, state: FolderState) -> None:
        self.inode = inode
        self.state = state

    @property
    def lost(self) -> str:
        """No operation since the last sync."""
        return f"{self.inode}={'0' * len(self.state.pending)}"

    @property
    def kept(self) -> str:
        """All of them."""
        return f"{self.inode}={'1' * len(self.state.pending)}"

    @cached_property
    def _before(self) -> list[list[int]]:
        pending = self.state.pending
        return [
            [i for i in range(number) if pending[i].touches(change)]
            for number, change in enumerate(pending)
        ]

    def every(self) -> Iterator[str]:
        """All legal subsets, beginning with none."""
        yield from (f"{self.inode}={bits}" for bits in self._subsets(len(self.state.pending)))

    def _subsets(self, count: int) -> Iterator[str]:
        if count == 0:
            yield ""
            return
        for shorter in self._subsets(count - 1):
            yield shorter + "0"
            if all(shorter[i] == "1" for i in self._before[count - 1]):
                yield shorter + "1"

    def sample(self, rng: random.Random) -> str:
        """Any legal subset."""
        bits = ""
        for before in self._before:
            allowed = all(bits[i] == "1" for i in before)
            bits += rng.choice("01") if allowed else "0"
        return f"{self.inode}={bits}"

    def build(self, choice: str) -> dict[str, int]:
        """Names and inodes that a choice leaves."""
        bits = choice.partition("=")[2]
        kept = [change for change, bit in zip(self.state.pending, bits, strict=True) if bit == "1"]
        return bind(self.state.durable, kept)
