"""Pools of processes and of threads that end when their block ends: on return and on Ctrl-C.

A worker process has a pipe of its own, and only the worker holds the other end. When a worker
dies, reading from its pipe and writing to it fail at once, so no thread can wait for a process
that is gone. In `concurrent.futures.ProcessPoolExecutor` all workers share one pipe, and our
process holds both ends: when the workers die while that pipe is full, the thread that feeds it
waits for ever, and the interpreter waits for the thread.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from types import FrameType
from typing import Any, ParamSpec, TypeVar

from veristack_lab.errors import ProcessDied

P = ParamSpec("P")
T = TypeVar("T")
_Request = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]

# "spawn": a fork of a process with threads may inherit a lock that no thread will release
_PROCESSES = multiprocessing.get_context("spawn")
_GRACE_S = 10.0
"""How long an idle worker may take to end after its pipe was closed; then it is killed."""


@contextmanager
def process_pool(workers: int | None = None) -> Iterator[Executor]:
    """A pool of worker processes, for `crash_sweep` and everything else that takes an executor.

    When the block ends, by return or by an exception, calls that have not begun are dropped and
    the workers are gone. A worker whose parent is killed ends by itself. If a worker dies, its call
    fails with `ProcessDied` and another worker takes its place.

    Args:
        workers: number of processes; None: one per processor.
    """
    pool = _ProcessPool(workers or os.cpu_count() or 1)
    try:
        with _ended_by_ctrl_c(pool):
            yield pool
    except BaseException:  # Ctrl-C too: the results are not wanted any more
        pool.kill()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _ended_by_ctrl_c(pool: _ProcessPool) -> Iterator[None]:
    """Let Ctrl-C kill the workers itself, besides raising `KeyboardInterrupt`.

    Python raises it wherever the main thread happens to be, and some code there drops every
    exception: a lookup in a dictionary made by C code, a callback of a weak reference. Then the
    calls still fail, because their workers are gone, and what was dropped is raised here.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield  # signals are not this thread's, or are ignored on purpose
        return
    is_pressed = False

    def press(number: int, frame: FrameType | None) -> None:
        nonlocal is_pressed
        is_pressed = True
        pool.kill()
        before(number, frame)

    signal.signal(signal.SIGINT, press)
    try:
        yield
    except Exception as error:
        if is_pressed:
            raise KeyboardInterrupt from error
        raise
    finally:
        signal.signal(signal.SIGINT, before)
    if is_pressed:
        raise KeyboardInterrupt


@contextmanager
def thread_pool(workers: int, name: str = "veristack") -> Iterator[ThreadPoolExecutor]:
    """A pool of threads that, after an exception, begins nothing new.

    When the block ends, the calls that run are waited for: give each a limit of its own.

    Args:
        workers: number of threads.
        name: beginning of their names.
    """
    pool = ThreadPoolExecutor(workers, thread_name_prefix=name)
    try:
        yield pool
    except BaseException:  # Ctrl-C too
        pool.shutdown(wait=True, cancel_futures=True)
        raise
    pool.shutdown(wait=True)


class _ProcessPool(Executor):
    """A thread per process: the thread hands out the calls, the process does the work."""

    def __init__(self, workers: int) -> None:
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="veristack-pool")
        self._own = threading.local()
        self._lock = threading.RLock()  # Ctrl-C may come while the main thread holds it
        self._workers: set[_Worker] = set()
        self._killed = False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        return self._threads.submit(self._call, fn, args, kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._threads.shutdown(wait=wait, cancel_futures=cancel_futures)
        if wait:
            with self._lock:
                workers = list(self._workers)
            for worker in workers:
                worker.end()

    def kill(self) -> None:
        """SIGKILL every worker; calls under way fail at once, and no worker is started again."""
        with self._lock:
            self._killed = True
            workers = list(self._workers)
        for worker in workers:
            worker.process.kill()

    def _call(self, fn: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
        worker: _Worker = getattr(self._own, "worker", None) or self._hire()
        try:
            done, value = worker.call((fn, args, kwargs))
        except (EOFError, OSError) as error:
            del self._own.worker
            worker.end()
            with self._lock:
                self._workers.discard(worker)
            raise ProcessDied(
                f"a worker process ended with code {worker.process.exitcode} during a call"
            ) from error
        if not done:
            raise value
        result: T = value
        return result

    def _hire(self) -> _Worker:
        # One start at a time: `multiprocessing` looks through all children at each.
        with self._lock:
            if self._killed:
                raise ProcessDied("the pool of processes was closed")
            worker = _Worker()
            self._workers.add(worker)
        self._own.worker = worker
        return worker


class _Worker:
    """One process and our end of its pipe. For one thread; `process.kill()` from any."""

    def __init__(self) -> None:
        self._pipe, theirs = _PROCESSES.Pipe()
        self.process = _PROCESSES.Process(target=_work, args=(theirs,), daemon=True)
        try:
            self.process.start()
        finally:
            theirs.close()  # or reading would not fail when the worker is gone

    def call(self, request: _Request) -> tuple[bool, Any]:
        """Whether the call returned, and what; otherwise what it raised.

        Raises:
            EOFError, OSError: the process is gone.
        """
        self._pipe.send(request)
        done, value = self._pipe.recv()
        return done, value

    def end(self) -> None:
        """Close the pipe, which ends an idle worker, and wait. Safe to call again."""
        self._pipe.close()
        self.process.join(_GRACE_S)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def _work(pipe: Connection) -> None:
    """What a worker process does: calls from the pipe, until it is closed."""
    # Ctrl-C goes to the whole group; the parent decides what becomes of the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_after_parent, name="end-with-parent", daemon=True).start()
    with suppress(OSError):  # the parent has closed the pipe
        while (request := _next(pipe)) is not None:
            fn, args, kwargs = request
            try:
                answer: tuple[bool, Any] = (True, fn(*args, **kwargs))
            except Exception as error:  # noqa: BLE001 whatever the call raises, its caller gets
                answer = (False, _told(error))
            _reply(pipe, answer)


def _next(pipe: Connection) -> _Request | None:
    """The next call; None when the parent has closed the pipe."""
    while True:
        try:
            request: _Request = pipe.recv()
        except (EOFError, OSError):
            return None
        except Exception as error:  # noqa: BLE001 what was sent cannot be made here: say so
            _reply(pipe, (False, _told(error)))
        else:
            return request


def _reply(pipe: Connection, answer: tuple[bool, Any]) -> None:
    try:
        pipe.send(answer)
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 pickle raises many kinds; nothing was sent yet
        pipe.send((False, ProcessDied(f"the answer of a worker cannot be sent: {error!r}")))


def _told(error: Exception) -> Exception:
    """The error with the worker's traceback as a note: pickling drops tracebacks."""
    error.add_note("in a worker process:\n" + traceback.format_exc())
    return error


def _end_after_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None  # this is a worker
    parent.join()
    os._exit(1)
