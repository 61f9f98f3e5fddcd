"""What a power cut takes at each durability level: the window, found by cutting.

Public names are in `experiments` too. The disk is simulated and handed in, so that the same
call gives the same frame.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, Self

import pandas as pd

from veristack_lab.errors import InvalidInput
from veristack_lab.progress import OnProgress, silent
from veristack_lab.veristore.disk import Disk
from veristack_lab.veristore.durability import Durability, Interval, writes_per_sync
from veristack_lab.veristore.kv import open_store

LEVELS: tuple[Durability, ...] = ("commit", Interval(writes=5), "none")
CUTS = ("lost", "any", "kept")
_FOLDER = Path("/store")


class CuttableDisk(Disk, Protocol):
    """A simulated disk; `veristack_lab.sim.SimDisk` is one."""

    def crash(self, policy: str = "any", seed: int = 0) -> Self:
        """The disk as a power cut may leave it."""


def level_name(level: Durability) -> str:
    """A level as it is written in a program."""
    if not isinstance(level, Interval):
        return level
    unit, number = ("writes", level.writes) if level.writes else ("ms", level.ms)
    return f"Interval({unit}={number})"


def loss_window(
    disk: Callable[[int], CuttableDisk],
    *,
    levels: Sequence[Durability] = LEVELS,
    cuts: Sequence[str] = CUTS,
    writes: int = 24,
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> pd.DataFrame:
    """Cut the power after each single put that returned, and count what is not there any more.

    Args:
        disk: makes an empty simulated disk from a seed.
        levels: durability levels. `Interval(ms=...)` depends on time and is refused.
        cuts: kinds of power cut: "lost" keeps nothing that was not synced, which is the worst
            there is; "kept" keeps everything, which is the death of the process alone; "any"
            keeps some sectors and loses others, by the seed.
        writes: how many puts.
        seed: of the disks and the cuts.
        on_progress: told after each level.

    Returns:
        One row a level, cut, and number of puts: `level`, `cut`, `returned` (puts that had
        returned), `found` (puts that are there after the cut), `lost`, `is_prefix` (whether
        what is there is exactly the first puts), `window` (the most that the level says may
        be lost; infinity for no bound).

    Raises:
        InvalidInput: a level with milliseconds.
    """
    tick, rows = on_progress or silent, []
    for done, level in enumerate(levels, 1):
        if isinstance(level, Interval) and level.ms is not None:
            raise InvalidInput(f"{level_name(level)} depends on time; give it writes")
        rows += _cut_after_each(disk(seed), level, cuts, writes, seed)
        tick(done, len(levels))
    columns = ["level", "cut", "returned", "found", "lost", "is_prefix", "window"]
    frame = pd.DataFrame(rows, columns=columns)
    frame.attrs = {"seed": seed, "writes": writes, "cuts": list(cuts)}
    return frame


def _cut_after_each(
    disk: CuttableDisk, level: Durability, cuts: Sequence[str], writes: int, seed: int
) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    window = writes_per_sync(level) - 1
    store = open_store(_FOLDER, durability=level, checkpoint_bytes=None, disk=disk)
    for returned in range(1, writes + 1):
        store.put(b"%06d" % returned, bytes(100))
        for cut in cuts:
            found, is_prefix = _found_after(disk.crash(cut, seed + returned))
            lost = returned - found
            rows.append((level_name(level), cut, returned, found, lost, is_prefix, window))
    store.close()
    return rows


def _found_after(image: CuttableDisk) -> tuple[int, bool]:
    """How many puts a store that is opened on this disk has, and whether they are the first."""
    with open_store(_FOLDER, checkpoint_bytes=None, disk=image) as store:
        keys = [key for key, _ in store.scan()]
    return len(keys), keys == [b"%06d" % number for number in range(1, len(keys) + 1)]


def is_within_window(frame: pd.DataFrame) -> bool:
    """Whether no cut of a `loss_window` took more than its level says."""
    return bool((frame["lost"] <= frame["window"].replace(math.inf, len(frame))).all())
