"""What a power cut takes at each durability level: the window, found by cutting.

Public names are in `experiments` too. The disk is simulated and handed in, so that the same
call gives the same frame.
"""

from __future__ import annotations

import functools
import math
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, Self, cast

import pandas as pd

from veristack_lab.errors import InvalidInput
from veristack_lab.runtime.progress import OnProgress, silent
from veristack_lab.veristore.commit.durability import Durability, Interval, writes_per_sync
from veristack_lab.veristore.disk import Disk
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
    """Cut the power after each single put that returned, and count what is missing afterwards.

    Args:
        disk: makes an empty simulated disk from a seed.
        levels: durability levels. `Interval(ms=...)` depends on time and is refused.
        cuts: kinds of power cut: "lost" keeps nothing that was not synced, the worst case; "kept"
            keeps everything, which is the death of the process alone; "any" keeps some sectors and
            loses others, by the seed.
        writes: how many puts.
        seed: decides the disks and the cuts.
        on_progress: called after each level.

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


def loss_window_ms(
    disk: Callable[[int], CuttableDisk],
    *,
    ms: float = 20.0,
    writes: int = 120,
    pause_ms: float = 2.0,
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> pd.DataFrame:
    """The window of `Interval(ms=...)`: how old is the oldest write that a power cut takes?

    One thread writes at a steady pace, and after each put the worst cut is made. The disk is
    simulated, the time is real: so this is measured, and no two frames are alike.

    Args:
        disk: makes an empty simulated disk from a seed.
        ms: the level's milliseconds.
        writes: how many puts.
        pause_ms: between two puts.
        seed: decides the disk and the cuts.
        on_progress: called after each put.

    Returns:
        One row a put: `at_ms` (since the first), `lost` (puts that had returned and are gone),
        `oldest_lost_ms` (how long ago the first of them had returned; 0 if none is gone).
    """
    tick, rows = on_progress or silent, []
    guarded, lock = _one_at_a_time(disk(seed))
    level, returned_s = Interval(ms=ms), list[float]()
    store = open_store(_FOLDER, durability=level, checkpoint_bytes=None, disk=guarded)
    for number in range(1, writes + 1):
        store.put(b"%06d" % number, bytes(100))
        returned_s.append(time.perf_counter())
        with lock:
            now_s, image = time.perf_counter(), guarded.crash("lost", seed)
        found, _ = _found_after(image)
        age_s = now_s - returned_s[found] if found < number else 0.0
        rows.append((1000 * (now_s - returned_s[0]), number - found, 1000 * age_s))
        tick(number, writes)
        time.sleep(pause_ms / 1000)  # the writer's pace, not a wait for a condition
    store.close()
    frame = pd.DataFrame(rows, columns=["at_ms", "lost", "oldest_lost_ms"])
    frame.attrs = {"seed": seed, "ms": ms, "writes": writes, "pause_ms": pause_ms}
    return frame


def _one_at_a_time(disk: CuttableDisk) -> tuple[CuttableDisk, threading.RLock]:
    """A simulated disk that the store's own thread may use too, and the lock that guards it."""
    lock = threading.RLock()

    class Guarded:
        def __init__(self, inner: object) -> None:
            self._inner = inner

        def __getattr__(self, name: str) -> Any:
            found = getattr(self._inner, name)
            return functools.partial(self._call, name, found) if callable(found) else found

        def _call(self, name: str, method: Callable[..., Any], *args: Any, **named: Any) -> Any:
            with lock:
                result = method(*args, **named)
            return Guarded(result) if name == "open" else result

    return cast("CuttableDisk", Guarded(disk)), lock
