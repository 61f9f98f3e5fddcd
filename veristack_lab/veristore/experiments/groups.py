"""How much group commit gains: writers against syncs."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from veristack_lab.kernels import records, warm
from veristack_lab.runtime.progress import OnProgress, silent
from veristack_lab.veristore.commit.durability import Durability
from veristack_lab.veristore.disk import RealDisk
from veristack_lab.veristore.experiments.durability import level_name
from veristack_lab.veristore.experiments.threads import run_threads
from veristack_lab.veristore.kv import open_store

_RAW_WRITES = 30


def group_commit_sweep(
    path: Path,
    *,
    writers: Sequence[int] = (1, 2, 4, 8, 16, 32, 64),
    levels: Sequence[Durability] = ("commit",),
    rounds: int = 3,
    value_bytes: int = 100,
    puts_per_writer: int = 40,
    on_progress: OnProgress | None = None,
) -> pd.DataFrame:
    """Puts a second against the number of writers and the durability, beside the bare disk.

    The yardstick is a loop of pwrite and fdatasync of a record of the same size, on the same
    disk. Half of it runs before and half after each contestant, since the speed of a shared disk
    may change tenfold in between.

    Args:
        path: a folder to work in.
        writers: numbers of threads.
        levels: durability levels. Below "commit", what is not synced yet when the last put
            returns is not waited for: that is what these levels are.
        rounds: how often everything is repeated, interleaved.
        value_bytes: size of a value; keys have 16 bytes.
        puts_per_writer: puts of each thread; a lone writer makes five times as many.
        on_progress: called after each contestant.

    Returns:
        One row a round, number of writers and level: `round`, `writers`, `level`, `puts`,
        `puts_per_s`, `records_per_sync` (0 if there was none), `raw_per_s`.
    """
    tick, rows = on_progress or silent, []
    warm()
    contests = list(itertools.product(range(1, rounds + 1), writers, levels))
    path.mkdir(parents=True, exist_ok=True)
    for done, (round_number, count, level) in enumerate(contests, 1):
        puts = puts_per_writer * (5 if count == 1 else 1)
        raw_s = _raw_s(path / "raw", records.HEADER_BYTES + 20 + value_bytes)
        puts_per_s, per_sync = _put_rate(path / f"store-{done}", level, count, puts, value_bytes)
        raw_s += _raw_s(path / "raw", records.HEADER_BYTES + 20 + value_bytes)
        raw_per_s = 2 * _RAW_WRITES / raw_s
        measured = (count * puts, puts_per_s, per_sync, raw_per_s)
        rows.append((round_number, count, level_name(level), *measured))
        tick(done, len(contests))
    columns = ["round", "writers", "level", "puts", "puts_per_s", "records_per_sync", "raw_per_s"]
    frame = pd.DataFrame(rows, columns=columns)
    frame.attrs = {"value_bytes": value_bytes, "rounds": rounds, "seed": None}
    return frame


def _raw_s(path: Path, size_bytes: int) -> float:
    """Seconds that the bare disk takes for some writes, each with its own sync."""
    disk, data = RealDisk(), bytes(size_bytes)
    file = disk.open(path, create=True)
    started_s = time.perf_counter()
    for number in range(_RAW_WRITES):
        file.pwrite(data, number * size_bytes)
        file.fdatasync()
    elapsed_s = time.perf_counter() - started_s
    file.close()
    disk.unlink(path)
    return elapsed_s


def _put_rate(
    folder: Path, level: Durability, writers: int, puts: int, value_bytes: int
) -> tuple[float, float]:
    """Puts a second, and records a sync, of `writers` threads in a new store."""
    value = bytes(value_bytes)
    with open_store(folder, durability=level) as store:

        def write(writer: int) -> None:
            for number in range(puts):
                store.put(b"%08d%08d" % (writer, number), value)

        elapsed_s = run_threads(write, writers)
        per_sync = store.stats().records_per_sync
    return writers * puts / elapsed_s, per_sync
