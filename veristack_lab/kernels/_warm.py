"""Compile everything now, so that later calls need not wait."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from veristack_lab.kernels._jit import jit_enabled, native_budget
from veristack_lab.runtime.progress import OnProgress, silent


def load() -> bool:
    """Use machine code from the next call on, whatever has been done so far.

    For servers and measurements; short-lived programs are better off without. Call `warm()` as well
    to compile in advance.

    Returns:
        Whether there is machine code: not without numba, nor with `VERISTACK_JIT=off`.
    """
    if jit_enabled():
        native_budget.buy()
    return jit_enabled()


def warm(on_progress: OnProgress | None = None) -> list[tuple[str, float]]:
    """Compile every kernel, or fetch its machine code from the cache.

    Returns:
        (kernel, milliseconds) in the order they were made ready; empty without JIT.
    """
    if not load():
        return []
    tick = on_progress or silent
    taken = []
    for done, (name, call) in enumerate(STEPS.items(), start=1):
        started = time.perf_counter()
        call()
        taken.append((name, 1000 * (time.perf_counter() - started)))
        tick(done, len(STEPS))
    return taken


def _numba() -> None:
    from veristack_lab.kernels import _intrinsics

    assert _intrinsics.FEATURES is not None


def _crc32c() -> None:
    from veristack_lab.kernels.crc32c import crc32c

    crc32c(b"warm")


def _crc32c_many() -> None:
    from veristack_lab.kernels.crc32c import crc32c_many

    crc32c_many(b"warm", [0, 2, 4])


def _crc64nvme() -> None:
    from veristack_lab.kernels.crc64nvme import crc64nvme

    crc64nvme(b"warm")


def _frame() -> None:
    from veristack_lab.kernels.records import frame_arena

    frame_arena(b"warm", [0, 4], [1], 1, 1)


def _decode() -> None:
    from veristack_lab.kernels.records import decode_records

    decode_records(bytes(64), 0, 1, 1, 1)


def _find() -> None:
    from veristack_lab.kernels.records import find_record

    find_record(bytes(64), 0, 1, 1, 1, [1])


def _pairs() -> None:
    from veristack_lab.kernels.pairs import SMALL_BATCH, fill, measure

    pairs = ((b"key", b"value"),) * (SMALL_BATCH + 1)
    measured = measure(pairs)
    assert measured is not None
    fill(b"head", measured)


def _best_fit() -> None:
    from veristack_lab.kernels.allocate import SMALL_SEARCH, best_fit

    best_fit(np.ones(SMALL_SEARCH + 1, np.int64), np.ones(1, np.int64))


STEPS: dict[str, Callable[[], None]] = {
    "numba itself": _numba,
    "crc32c": _crc32c,
    "crc32c_many": _crc32c_many,
    "crc64nvme": _crc64nvme,
    "records.frame": _frame,
    "records.decode": _decode,
    "records.find": _find,
    "pairs": _pairs,
    "allocate.best_fit": _best_fit,
}
