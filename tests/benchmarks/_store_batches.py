"""P6: durable batches of 1,000 new records of 100 bytes, into a store that begins empty.

Each measurement writes the same batches into a new store and removes it: half a million records,
enough for the trees and the compactions of the peers to show. On /dev/shm a sync costs nothing,
so what shows there is the work of the processor. Each measurement has keys of its own making: in
Python a key remembers its hash, so keys used before would flatter who needs it. sqlite3 is not
asked: with `executemany` in one transaction it reached a fifth of the slowest of the others, and
would take half the time.
"""

from __future__ import annotations

import functools
import gc
import itertools
import random
import shutil
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from _store_peers import BATCHES, OpenToWrite, Pairs, our_batches

from veristack_lab.bench import Contest, Contestant
from veristack_lab.kernels.records import frame_records
from veristack_lab.veristore.disk import RealDisk
from veristack_lab.veristore.wal import writes

BATCH, BATCHES_WRITTEN = 1000, 500
BARE_SYNCS = 100
"""Writes of the bare disk in one measurement."""
KEY_BYTES, VALUE_BYTES = 16, 84
HEADER_BYTES = 24
GOALS = {
    ("tmpfs", "random"): (4.0, None),
    ("tmpfs", "ascending"): (0.6, "lmdb"),
    ("disk", "random"): (2.0, None),
    ("disk", "ascending"): (1.0, None),
}
"""For where and which keys: the ratio aimed at, and to whom if not to the best of all."""

Limit = tuple[float, float, float]

_fresh = itertools.count()


@functools.cache
def _columns(kind: str) -> tuple[bytes, list[bytes]]:
    """All keys in one piece, and the values."""
    generator = random.Random(6)
    count = BATCH * BATCHES_WRITTEN
    keys = (
        b"".join(b"%016d" % number for number in range(count))
        if kind == "ascending"
        else generator.randbytes(KEY_BYTES * count)
    )
    values = generator.randbytes(VALUE_BYTES * count)
    return keys, [values[at : at + VALUE_BYTES] for at in range(0, len(values), VALUE_BYTES)]


def batches(kind: str) -> list[Pairs]:
    """New records, as lists of pairs: making them is not timed."""
    keys, values = _columns(kind)
    starts = range(0, len(keys), KEY_BYTES)
    pairs = [(keys[at : at + KEY_BYTES], value) for at, value in zip(starts, values, strict=True)]
    return [pairs[at : at + BATCH] for at in range(0, len(pairs), BATCH)]


def contests(folders: dict[str, Path]) -> list[Contest]:
    """One for each place and order of keys; P6-PLACE-KEYS."""
    return [
        _Race(place, folders[place], kind, only).contest(goal)
        for (place, kind), (goal, only) in GOALS.items()
        if place in folders
    ]


class _Race:
    """One contest, and what was measured in its rounds."""

    def __init__(self, place: str, folder: Path, kind: str, only: str | None) -> None:
        self._place, self._folder, self._kind = place, folder, kind
        self._peers = {name: peer for name, peer in BATCHES.items() if only in (None, name)}
        self._rates: dict[str, list[float]] = defaultdict(list)
        """What each peer has reached, in M records/s."""
        self._limits: list[Limit] = []
        """For each time that our own rate was measured, the limit right after."""

    def contest(self, goal: float) -> Contest:
        bare = Contestant("the bare disk", lambda: bare_rate(self._folder))
        return Contest(
            f"P6-{self._place}-{self._kind}",
            f"durable batches of {BATCH} new records, {self._kind} keys, {self._place}",
            "M records/s",
            Contestant("veristore", self._measure_us),
            [Contestant(name, functools.partial(self._measure, name)) for name in self._peers],
            goal,
            profile=self._profile,
            yardstick=bare if self._place == "disk" else None,
            rounds=3,
        )

    def _measure(self, name: str) -> float:
        rate = self._rate(self._peers[name])
        self._rates[name].append(rate)
        return rate

    def _measure_us(self) -> float:
        rate = self._rate(our_batches)
        self._limits.append(limit(self._folder, self._kind))
        return rate

    def _rate(self, opened: OpenToWrite) -> float:
        ascending = self._kind == "ascending"
        return records_per_s(opened, self._folder, batches(self._kind), ascending) / 1e6

    def _profile(self, ours: float) -> str:
        """The limit beside us and the best peer, and what of our time is our own part."""
        most, bare_us, table_us = map(statistics.median, zip(*self._limits[1:], strict=True))
        peers = {name: statistics.median(found[1:]) for name, found in self._rates.items()}
        best = max(peers, key=peers.__getitem__)
        pairs = batches(self._kind)[0]
        ready_us = _best_us(lambda: frame_records([writes.put_many(pairs)[1]], [0], 1, 1))
        return (
            f"a loop that only writes and syncs as many bytes ({bare_us:,.0f} µs a batch) and puts"
            f" the same pairs in a dictionary that grows ({table_us:,.0f} µs) made {most:.2f} M"
            f" records/s in the same rounds, {most / peers[best]:.2f} times {best}: no Python store"
            f" with a dictionary can do more. We reach {ours / most:.0%} of it; of our"
            f" {BATCH / ours:,.0f} µs a batch, {ready_us:,.0f} µs are checking, joining and framing"
        )


def records_per_s(opened: OpenToWrite, folder: Path, work: list[Pairs], ascending: bool) -> float:
    """New records a second, from the first batch to the return of the last."""
    path = folder / f"batches-{next(_fresh)}"
    gc.collect()
    with opened(path, ascending) as write:
        started = time.perf_counter()
        for pairs in work:
            write(pairs)
        elapsed = time.perf_counter() - started
    remove(path)
    return BATCH * len(work) / elapsed


def remove(path: Path) -> None:
    """A store that is a folder, or a file and what sqlite puts beside it."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        for file in path.parent.glob(path.name + "*"):
            file.unlink()


def bare_rate(folder: Path) -> float:
    """M records a second of a loop that only writes and syncs as many bytes as a batch has."""
    with _bare_disk(folder) as write:
        started = time.perf_counter()
        for _ in range(BARE_SYNCS):
            write()
        return BATCH * BARE_SYNCS / (time.perf_counter() - started) / 1e6


@contextmanager
def _bare_disk(folder: Path) -> Iterator[Callable[[], object]]:
    """What writes and syncs as many bytes as a batch has, each time behind the last."""
    path = folder / f"bare-{next(_fresh)}"
    data = bytes(HEADER_BYTES + BATCH * (KEY_BYTES + VALUE_BYTES))
    offsets = itertools.count(0, len(data))
    file = RealDisk().open(path, create=True)

    def write() -> None:
        file.pwrite(data, next(offsets))
        file.fdatasync()

    try:
        yield write
    finally:
        file.close()
        path.unlink()


def limit(folder: Path, kind: str) -> Limit:
    """What no store in Python that keeps its pairs in a dictionary can do without.

    Returns:
        M records a second of a loop that does only this, and for each batch the microseconds
        of the bare write and sync and those of the dictionary.
    """
    work, table = batches(kind), dict[bytes, bytes]()
    gc.collect()
    written_s = 0.0
    with _bare_disk(folder) as write:
        started = time.perf_counter()
        for pairs in work:
            before = time.perf_counter()
            write()
            written_s += time.perf_counter() - before
            table.update(pairs)
        elapsed_s = time.perf_counter() - started
    written_us, elapsed_us = (1e6 * seconds / len(work) for seconds in (written_s, elapsed_s))
    return BATCH / elapsed_us, written_us, elapsed_us - written_us


def _best_us(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(30):
        started = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - started)
    return best * 1e6
