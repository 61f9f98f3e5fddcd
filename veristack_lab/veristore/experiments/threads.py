"""Threads that begin at the same moment, for experiments."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


def run_threads(work: Callable[[int], None], count: int) -> float:
    """Run `work(0)` to `work(count - 1)` at the same time; seconds from the common start.

    Raises:
        Exception: the first error of any call, raised when all have ended.
    """
    barrier = threading.Barrier(count + 1)
    failures: list[Exception] = []

    def run(number: int) -> None:
        barrier.wait()
        try:
            work(number)
        except Exception as error:  # noqa: BLE001 raised again below, in the caller's thread
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    barrier.wait()
    started_s = time.perf_counter()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return time.perf_counter() - started_s
