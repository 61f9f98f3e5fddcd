"""P7: opening a store whose process was killed by SIGKILL, with all its records in the log.

For a million records rocksdict gets a write buffer that keeps them all in its log; the row
`tables` shows it as it comes, when half of them have gone to tables before the kill.

A child fills the store, says so, and is killed. Every measurement opens a copy of what it left,
in this process, where the kernels are warm and the files are in the page cache.
"""

from __future__ import annotations

import functools
import gc
import itertools
import os
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property, partial
from pathlib import Path

import rocksdict

import veristack_lab.veristore as veristore
from veristack_lab.bench import Contest, Contestant
from veristack_lab.kernels.crc32c import crc32c
from veristack_lab.runtime.processes import spawn, wait_until_ready

FILL = Path(__file__).with_name("_store_fill.py")
FILL_TIMEOUT_S = 120.0
RECORD_BYTES = 124
ROCKSDICT_BUFFER_BYTES = 64 << 20
"""What rocksdict's log holds at most as it comes; older records are in tables, already in order."""
KEY_BYTES, PAIR_BYTES = 16, 100
SIZES = {"5k": (5_000, 0.4, None), "1M": (1_000_000, 0.8, 3)}
"""Records, the ratio to mere slicing that is aimed at, and the rounds where not all.

Whatever keeps its keys in a dictionary of Python has at least to cut keys and values out of one
buffer. Five thousand of them take a millisecond or two, and opening has as much again to do for
the folder, the lock and a new segment, which it makes durable: so there is no verdict while the
bare disk swings.
"""

_fresh = itertools.count()


def contests(folder: Path) -> list[Contest]:
    """For each size: against slicing into a dictionary, and against rocksdict."""
    found = []
    for name, (count, goal, rounds) in SIZES.items():
        left = _Left(folder, count)
        ours = Contestant("veristore", partial(open_ms, open_ours, left.ours))
        theirs = Contestant("rocksdict", partial(open_ms, open_rocksdict, left.theirs))
        tables = Contestant(
            "rocksdict, 64 MiB buffer", partial(open_ms, open_rocksdict, left.theirs_as_it_comes)
        )
        sliced = Contestant("bytes sliced into a dict", partial(slice_ms, count))
        disk = Contestant("a new file made durable", partial(new_file_ms, folder))
        what = f"reopen after a kill, {count:,} records"
        explain = partial(profile, left.ours, count)
        found += [
            Contest(
                f"P7-{name}",
                what,
                "ms",
                ours,
                [sliced],
                goal,
                profile=explain,
                yardstick=disk,
                rounds=rounds,
            ),
            Contest(
                f"P7-{name}-peer", what, "ms", ours, [theirs], 1.0, profile=explain, rounds=rounds
            ),
        ]
        if count * RECORD_BYTES > ROCKSDICT_BUFFER_BYTES:
            found.append(
                Contest(
                    f"P7-{name}-tables", what, "ms", ours, [tables], profile=explain, rounds=rounds
                )
            )
    return found


class _Left:
    """What the two killed processes left, made when it is first asked for."""

    def __init__(self, folder: Path, count: int) -> None:
        self._folder = folder
        self._count = count

    def ours(self) -> tuple[Path, int]:
        return self._all[0], self._count

    def theirs(self) -> tuple[Path, int]:
        return self._all[1], self._count

    def theirs_as_it_comes(self) -> tuple[Path, int]:
        return self._all[2], self._count

    @cached_property
    def _all(self) -> list[Path]:
        """The folders of stores whose processes were killed after that number of records."""
        engines = ("veristore", "rocksdict", "rocksdict-64MiB")
        places = [self._folder / f"{engine}-{self._count}" for engine in engines]
        with ExitStack() as stack:
            children = []
            for engine, place in zip(engines, places, strict=True):
                argv = [sys.executable, FILL, engine, place, str(self._count), _ready(place)]
                log = place.with_suffix(".log")
                child = spawn(argv, name=f"{engine} being filled", log_path=log)
                children.append(stack.enter_context(child))
            for child, place in zip(children, places, strict=True):
                wait_until_ready(child, _ready(place).exists, FILL_TIMEOUT_S)
                child.kill()
                child.wait(FILL_TIMEOUT_S)
        return places


def _ready(place: Path) -> Path:
    return place.with_suffix(".ready")


def open_ms(opened: Callable[[Path, int], float], left: Callable[[], tuple[Path, int]]) -> float:
    """Open a copy of what was left; the original stays as the kill left it."""
    original, count = left()
    copy = original.with_name(f"{original.name}-copy-{next(_fresh)}")
    shutil.copytree(original, copy)
    os.sync()  # what is left to sync is what opening writes
    gc.collect()
    try:
        return 1000 * opened(copy, count)
    finally:
        shutil.rmtree(copy)


def open_ours(path: Path, count: int) -> float:
    started = time.perf_counter()
    store = veristore.open(path)
    elapsed = time.perf_counter() - started
    assert len(store) == count
    assert store.stats().recovery.after_crash
    store.close()
    return elapsed


def open_rocksdict(path: Path, count: int) -> float:
    options = rocksdict.Options(raw_mode=True)
    options.set_write_buffer_size(1 << 30)  # nothing is moved to tables while the log is read
    started = time.perf_counter()
    table = rocksdict.Rdict(str(path), options)
    elapsed = time.perf_counter() - started
    assert table.get(b"%016d" % (count - 1)) is not None
    table.close()
    return elapsed


def new_file_ms(folder: Path) -> float:
    """Make one small file in the folder durable, and its name."""
    path = folder / f"new-{next(_fresh)}"
    place = os.open(folder, os.O_RDONLY)
    started = time.perf_counter()
    with path.open("wb") as file:
        file.write(bytes(RECORD_BYTES))
        file.flush()
        os.fsync(file.fileno())
    os.fsync(place)
    elapsed = time.perf_counter() - started
    os.close(place)
    path.unlink()
    return 1000 * elapsed


@functools.lru_cache(maxsize=1)
def _arena(count: int) -> bytes:
    """Keys and values as `_store_fill` writes them, one after the other."""
    value = bytes(PAIR_BYTES - KEY_BYTES)
    return b"".join(b"%016d" % number + value for number in range(count))


def slice_ms(count: int) -> float:
    """Cut as many keys and values out of one buffer into a dictionary."""
    arena = _arena(count)
    gc.collect()
    started = time.perf_counter()
    made = {
        arena[at : at + KEY_BYTES]: arena[at + KEY_BYTES : at + PAIR_BYTES]
        for at in range(0, len(arena), PAIR_BYTES)
    }
    elapsed = time.perf_counter() - started
    assert len(made) == count
    return 1000 * elapsed


def profile(left: Callable[[], tuple[Path, int]], count: int, ours_ms: float) -> str:
    """The least that recovery into a dictionary of Python takes: read, check, make objects."""
    segments = sorted(left()[0].glob("log-*"))
    started = time.perf_counter()
    read = [segment.read_bytes() for segment in segments]
    read_ms = 1000 * (time.perf_counter() - started)
    started = time.perf_counter()
    for data in read:
        crc32c(data)
    check_ms = 1000 * (time.perf_counter() - started)
    made_ms = slice_ms(count)
    size = sum(map(len, read))
    return (
        f"of {ours_ms:,.1f} ms, reading {size / 1e6:,.1f} MB takes {read_ms:,.1f} ms, checking them"
        f" {check_ms:,.1f} ms, and cutting {count:,} keys and values out of one buffer into a"
        f" dictionary {made_ms:,.1f} ms"
    )
