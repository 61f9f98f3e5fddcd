"""P6: durable batches of 1,000 new records of 100 bytes, into a store that begins empty.

Each measurement writes the same batches into a new store and removes it: half a million records,
enough for the trees and the compactions of the peers to show. On /dev/shm a sync costs nothing,
so what shows there is the work of the processor. sqlite3 is not asked: with `executemany` in
one transaction it reached a fifth of the slowest of the others, and would take half the time.
"""

from __future__ import annotations

import functools
import gc
import itertools
import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from _store_peers import BATCHES, OpenToWrite, Pairs, our_batches

from veristack_lab.bench import Contest, Contestant
from veristack_lab.veristore.disk import RealDisk

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

_fresh = itertools.count()


@functools.cache
def batches(kind: str) -> list[Pairs]:
    """New records, as lists of pairs: their making is no part of the race."""
    generator = random.Random(6)
    count = BATCH * BATCHES_WRITTEN
    keys = (
        [b"%016d" % number for number in range(count)]
        if kind == "ascending"
        else [generator.randbytes(KEY_BYTES) for _ in range(count)]
    )
    values = generator.randbytes(VALUE_BYTES * count)
    pairs = [
        (key, values[at : at + VALUE_BYTES])
        for key, at in zip(keys, itertools.count(0, VALUE_BYTES), strict=False)
    ]
    return [pairs[at : at + BATCH] for at in range(0, count, BATCH)]


def contests(folders: dict[str, Path]) -> list[Contest]:
    """One for each place and order of keys; P6-PLACE-KEYS."""
    found = []
    for (place, kind), (goal, only) in GOALS.items():
        if place not in folders:
            continue
        folder = folders[place]
        peers = {name: peer for name, peer in BATCHES.items() if only in (None, name)}
        bare = Contestant("the bare disk", lambda f=folder: bare_rate(f))
        ours = _contestant("veristore", our_batches, folder, kind)
        against = [_contestant(name, peer, folder, kind) for name, peer in peers.items()]
        found.append(
            Contest(
                f"P6-{place}-{kind}",
                f"durable batches of {BATCH} new records, {kind} keys, {place}",
                "M records/s",
                ours,
                against,
                goal,
                profile=lambda rate, f=folder, k=kind: profile(rate, f, k),
                yardstick=bare if place == "disk" else None,
                rounds=3,
            )
        )
    return found


def _contestant(name: str, opened: OpenToWrite, folder: Path, kind: str) -> Contestant:
    def measure() -> float:
        return records_per_s(opened, folder, batches(kind), kind == "ascending") / 1e6

    return Contestant(name, measure)


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
    """Records a second of a loop that only writes and syncs as many bytes as a batch has."""
    path = folder / f"bare-{next(_fresh)}"
    data = bytes(HEADER_BYTES + BATCH * (KEY_BYTES + VALUE_BYTES))
    file = RealDisk().open(path, create=True)
    try:
        started = time.perf_counter()
        for number in range(BARE_SYNCS):
            file.pwrite(data, number * len(data))
            file.fdatasync()
        elapsed = time.perf_counter() - started
    finally:
        file.close()
        path.unlink()
    return BATCH * BARE_SYNCS / elapsed / 1e6


def profile(ours: float, folder: Path, kind: str) -> str:
    """What of a batch's time is beyond us, and the least that Python must do for the rest."""
    batch_us = BATCH / ours
    bare_us = BATCH / bare_rate(folder)
    work = batches(kind)
    columns_us = _best_us(lambda: [b"".join(column) for column in zip(*work[0], strict=True)])
    table: dict[bytes, bytes] = {}
    started = time.perf_counter()
    for pairs in work:
        table.update(pairs)
    update_us = 1e6 * (time.perf_counter() - started) / len(work)
    return (
        f"of {batch_us:,.0f} µs a batch, {bare_us:,.0f} µs are the bare write and sync of as many"
        f" bytes, {columns_us:,.0f} µs the joining of keys and values and {update_us:,.0f} µs"
        " putting all of them in a dictionary that grows as the store does"
    )


def _best_us(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(30):
        started = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - started)
    return best * 1e6
