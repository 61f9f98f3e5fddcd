"""How fast a CRC32C can be computed here, rung by rung, from a table to the widest registers.

Each rung is another way to the same 32 bits. All are measured on this machine, in turns, and
each one's answers are compared with the plain-Python twin's.
"""

from __future__ import annotations

import itertools
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from veristack_lab.errors import InvalidInput
from veristack_lab.kernels import _crc32c_python as twin
from veristack_lab.kernels._jit import jit_enabled
from veristack_lab.kernels.crc32c import ALL_ONES, as_bytes, as_offsets
from veristack_lab.kernels.rungs import (
    INSTRUCTION,
    INTERLEAVED,
    PYTHON,
    SLICING,
    TABLE,
    WIDE,
)
from veristack_lab.runtime.progress import OnProgress, silent

if TYPE_CHECKING:
    import pandas as pd

IDEAS = {
    PYTHON: "four bytes a step through four tables, in the interpreter",
    TABLE: "one byte a step through one table; each look-up waits for the one before",
    SLICING: "eight bytes a step through eight tables; the look-ups do not wait for each other",
    INSTRUCTION: "eight bytes a step in one instruction, whose answer takes three cycles",
    INTERLEAVED: "three or four chains of that instruction, so that one starts every cycle",
    WIDE: "carry-less multiplication in the widest registers, the crc32 instruction beside it",
}
"""The rungs from slow to fast. A processor may lack the upper ones."""

ONE_BUFFER, BATCH = "one buffer", "batch of records"
MEASURED = ("gb_per_s", "ns_per_item", "times_the_table")
ROUND_S = 0.004
"""How long a measurement lasts at least: some thousand calls for a short buffer."""

Work = Callable[[], object]


@dataclass(frozen=True)
class _Task:
    """One amount of data, and how each rung does it: a function that gives its checksums."""

    work: str
    item_bytes: int
    items: int
    expected: list[int]
    rungs: dict[str, Callable[[], list[int]]]
    timed: dict[str, Work]


def crc_ladder(
    *,
    sizes_bytes: Sequence[int] = (64, 1024, 64 * 1024, 1 << 20),
    batch_records: int = 16_384,
    record_bytes: int = 64,
    repeats: int = 5,
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> pd.DataFrame:
    """Measure every way to compute a CRC32C: single buffers of some sizes, and a batch.

    The rungs take turns in each round and the median round counts, so that a busy moment of
    the machine hits all of them; the clock is the thread's processor time. A single buffer is
    one call each, dispatch included.

    Args:
        sizes_bytes: sizes of the single buffers.
        batch_records: how many records the batch has; 16,384 of 64 bytes are 1 MiB.
        record_bytes: the size of each.
        repeats: rounds of measuring.
        seed: decides the bytes.
        on_progress: called with (measurements done, measurements to do).

    Returns:
        One row for each amount of data and rung: work, item_bytes, items, rung, idea, crc32c
        (of the buffer, or of all the batch's checksums as little-endian words), verified, and
        what was measured: gb_per_s, ns_per_item, times_the_table (how many times as fast as
        the slowest rung of machine code, or of all rungs without JIT).

    Raises:
        InvalidInput: a size below 1, or fewer than 1 round.
    """
    import pandas as pd

    if min(*sizes_bytes, batch_records, record_bytes, repeats) < 1:
        raise InvalidInput("sizes, records and rounds are each at least 1")
    tasks = list(_tasks(sizes_bytes, batch_records, record_bytes, seed))
    total, done = sum(repeats * len(task.timed) for task in tasks), 0
    rows: list[dict[str, object]] = []
    tick = on_progress or silent
    for task in tasks:
        verified = {rung: find() == task.expected for rung, find in task.rungs.items()}
        seconds: dict[str, list[float]] = {rung: [] for rung in task.timed}
        for _ in range(repeats):
            for rung, call in task.timed.items():
                seconds[rung].append(_seconds_a_call(call))
                done += 1
                tick(done, total)
        rows += _rows(task, verified, seconds)
    frame = pd.DataFrame(rows)
    frame.attrs = {
        "seed": seed,
        "sizes_bytes": list(sizes_bytes),
        "batch_records": batch_records,
        "record_bytes": record_bytes,
        "repeats": repeats,
        "measured": list(MEASURED),
    }
    return frame


def _tasks(
    sizes_bytes: Sequence[int], batch_records: int, record_bytes: int, seed: int
) -> Iterator[_Task]:
    generator = random.Random(seed)
    for size in sizes_bytes:
        yield _one_buffer(as_bytes(generator.randbytes(size)))
    yield _batch(as_bytes(generator.randbytes(batch_records * record_bytes)), record_bytes)


def _one_buffer(data: npt.NDArray[np.uint8]) -> _Task:
    def python() -> int:
        return twin.update(ALL_ONES, data.data) ^ ALL_ONES

    timed: dict[str, Work] = {PYTHON: python}
    if jit_enabled():
        from veristack_lab.kernels import _ladder_native as native

        timed |= {rung: _bound(one, data) for rung, one in native.ONE.items()}
    rungs = {rung: _as_list(call) for rung, call in timed.items()}
    return _Task(ONE_BUFFER, data.size, 1, [python()], rungs, timed)


def _batch(data: npt.NDArray[np.uint8], size: int) -> _Task:
    offsets = as_offsets(np.arange(0, data.size + 1, size))
    sums = np.empty(offsets.size - 1, np.uint32)
    bounds = offsets.tolist()

    def python() -> list[int]:
        view = data.data
        return [twin.update(ALL_ONES, view[a:b]) ^ ALL_ONES for a, b in pairwise(bounds)]

    timed: dict[str, Work] = {PYTHON: python}
    rungs: dict[str, Callable[[], list[int]]] = {PYTHON: python}
    if jit_enabled():
        from veristack_lab.kernels import _ladder_native as native

        for rung, many in native.MANY.items():
            timed[rung] = _bound(many, data, offsets, sums)
            rungs[rung] = _filled(timed[rung], sums)
    return _Task(BATCH, size, sums.size, python(), rungs, timed)


def _bound(function: Callable[..., object], *arguments: object) -> Work:
    return lambda: function(*arguments)


def _as_list(call: Callable[[], Any]) -> Callable[[], list[int]]:
    return lambda: [int(call())]


def _filled(call: Work, sums: npt.NDArray[np.uint32]) -> Callable[[], list[int]]:
    def find() -> list[int]:
        sums[:] = 0  # otherwise a rung that writes nothing would show the previous rung's answers
        call()
        return [int(found) for found in sums]

    return find


def _seconds_a_call(call: Work) -> float:
    """Processor time of the thread: nothing here waits, and other threads may run."""
    calls = 1
    while True:
        started = time.thread_time()
        for _ in itertools.repeat(None, calls):
            call()
        elapsed = time.thread_time() - started
        if elapsed >= ROUND_S:
            return elapsed / calls
        calls *= 4


def _rows(
    task: _Task, verified: dict[str, bool], seconds: dict[str, list[float]]
) -> Iterator[dict[str, object]]:
    medians = {rung: statistics.median(taken) for rung, taken in seconds.items()}
    table = medians.get(TABLE, medians[PYTHON])
    words = np.array(task.expected, np.uint32)
    checksum = (
        task.expected[0]
        if task.work == ONE_BUFFER
        else twin.update(ALL_ONES, words.view(np.uint8).data) ^ ALL_ONES
    )
    for rung, taken in medians.items():
        yield {
            "work": task.work,
            "item_bytes": task.item_bytes,
            "items": task.items,
            "rung": rung,
            "idea": IDEAS[rung],
            "crc32c": f"{checksum:08x}",
            "verified": verified[rung],
            "gb_per_s": task.item_bytes * task.items / taken / 1e9,
            "ns_per_item": taken / task.items * 1e9,
            "times_the_table": table / taken,
        }
