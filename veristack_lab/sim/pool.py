"""A pool of processes that ends with us: on return, on Ctrl-C, and when we are killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager


@contextmanager
def process_pool(workers: int | None = None) -> Iterator[Executor]:
    """A pool of worker processes for `crash_sweep`.

    On leaving, by return or by an exception, what has not begun is dropped and the workers are
    gone before the block ends. A worker whose parent is killed ends by itself.

    Args:
        workers: how many; None: one a processor.
    """
    # "spawn": a fork of a process with threads may inherit a lock that nobody will release
    ours = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(
        workers or os.cpu_count() or 1,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_live_with_parent,
    )
    try:
        yield pool
    except BaseException:  # Ctrl-C too: nobody wants the rest any more
        for worker in set(multiprocessing.active_children()) - ours:
            worker.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _live_with_parent() -> None:
    # Ctrl-C goes to the whole group; the parent decides what becomes of the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_after_parent, name="end-with-parent", daemon=True).start()


def _end_after_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None  # this is a worker
    parent.join()
    os._exit(1)
