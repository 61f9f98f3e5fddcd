"""Pools end when they are told to, whatever their workers do at that moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from pathlib import Path

import pytest

from tests.waiting import PATIENCE_S, wait_until
from veristack_lab.errors import InvalidInput, ProcessDied
from veristack_lab.runtime import guardian
from veristack_lab.runtime.pools import process_pool, thread_pool

# More than a pipe holds, so that a call to a worker that does not read is never sent whole.
BIG = bytes(1 << 20)


def end(code: int) -> None:
    os._exit(code)


def own_id(_: bytes = b"") -> int:
    return os.getpid()


def refuse(message: str) -> None:
    raise InvalidInput(message)


def make_a_lock() -> object:
    return threading.Lock()


def stop_itself(_: bytes) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


class MadeNowhere:
    """Can be sent, but the other side cannot make it."""

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return (int, ("not a number",))


def test_calls_are_shared_out_and_results_come_back() -> None:
    with process_pool(2) as pool:
        found = set(pool.map(own_id, [BIG] * 8))
    assert 1 <= len(found) <= 2
    assert os.getpid() not in found


def test_an_error_arrives_with_the_traceback_of_the_worker() -> None:
    with process_pool(1) as pool, pytest.raises(InvalidInput, match="as asked") as caught:
        pool.submit(refuse, "as asked").result()
    assert "in refuse" in "".join(caught.value.__notes__)


def test_a_worker_that_dies_fails_its_own_call_only() -> None:
    with process_pool(1) as pool:
        with pytest.raises(ProcessDied, match="code 7"):
            pool.submit(end, 7).result()
        assert pool.submit(own_id).result() != os.getpid()


@pytest.mark.parametrize("item", [MadeNowhere(), threading.Lock()], ids=["there", "here"])
def test_what_cannot_be_sent_fails_its_own_call_only(item: object) -> None:
    with process_pool(1) as pool:
        with pytest.raises((ValueError, TypeError)):
            pool.submit(isinstance, item, int).result()
        with pytest.raises(ProcessDied, match="cannot be sent"):
            pool.submit(make_a_lock).result()
        assert pool.submit(own_id).result() != os.getpid()


def test_an_exception_in_the_block_ends_workers_that_stand_still() -> None:
    calls: list[Future[None]] = []
    workers: set[int] = set()

    def be_interrupted() -> None:
        with process_pool(2) as pool:
            calls.extend(pool.submit(stop_itself, BIG) for _ in range(20))
            workers.update(below_us())
            wait_until(lambda: all(map(is_stopped, workers)), "both stand still")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        be_interrupted()
    assert len(workers) == 2
    assert all(guardian.start_ticks(pid) is None for pid in workers)
    assert all(call.cancelled() or call.exception() for call in calls)


def below_us() -> set[int]:
    """The two workers, once both are there."""

    def found() -> set[int]:
        pids = guardian.with_descendants({os.getpid()}) - {os.getpid()}
        return {pid for pid in pids if b"spawn_main" in command_line(pid)}

    wait_until(lambda: len(found()) == 2)
    return found()


def command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] == b"T"


# Says when it has begun, fills every pipe, and is interrupted at any moment.
INTERRUPTED = """
import sys, time
from veristack_lab.runtime.pools import process_pool

if __name__ == "__main__":
    with process_pool(2) as pool:
        calls = [pool.submit(len, bytes(1 << 20)) for _ in range(200)]
        print("begun", flush=True)
        for call in calls:
            call.result()
        time.sleep(3600)
"""


@pytest.mark.crash
@pytest.mark.parametrize("delay_s", [0.0, 0.02, 0.1, 0.3])
def test_ctrl_c_ends_a_program_with_full_pipes(folder: Path, delay_s: float) -> None:
    script = folder / "interrupted.py"
    script.write_text(INTERRUPTED)
    program = subprocess.Popen(
        [sys.executable, script],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert program.stdout is not None
    assert program.stdout.readline() == b"begun\n"
    time.sleep(delay_s)  # no condition: the signal is to come at any moment
    workers = guardian.with_descendants({program.pid}) - {program.pid}
    program.send_signal(signal.SIGINT)
    assert program.wait(PATIENCE_S) == -signal.SIGINT
    program.stdout.close()
    assert wait_until(lambda: not [pid for pid in workers if guardian.start_ticks(pid)])


# The exception of Ctrl-C is dropped, as C code and callbacks do with it.
DROPPED = """
import os, signal
from contextlib import suppress
from veristack_lab.runtime.pools import process_pool

if __name__ == "__main__":
    with process_pool(1) as pool:
        call = pool.submit(signal.pause)
        with suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        call.result()
"""


def test_ctrl_c_ends_a_pool_even_if_its_exception_is_dropped(folder: Path) -> None:
    script = folder / "dropped.py"
    script.write_text(DROPPED)
    done = subprocess.run([sys.executable, script], capture_output=True, timeout=PATIENCE_S)
    assert done.returncode == -signal.SIGINT
    assert b"KeyboardInterrupt" in done.stderr


@pytest.mark.crash
def test_workers_end_after_a_parent_that_is_killed(folder: Path) -> None:
    script = folder / "killed.py"
    script.write_text(INTERRUPTED)
    program = subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, start_new_session=True
    )
    assert program.stdout is not None
    assert program.stdout.readline() == b"begun\n"
    workers = guardian.with_descendants({program.pid}) - {program.pid}
    program.kill()
    program.wait(PATIENCE_S)
    program.stdout.close()
    assert wait_until(lambda: not [pid for pid in workers if guardian.start_ticks(pid)])


def test_threads_begin_nothing_after_an_exception() -> None:
    let_go, begun = threading.Event(), threading.Event()
    calls: list[Future[None]] = []

    def wait() -> None:
        begun.set()
        assert let_go.wait(PATIENCE_S)

    def be_interrupted() -> None:
        with thread_pool(1) as pool:
            calls.extend(pool.submit(wait) for _ in range(5))
            assert begun.wait(PATIENCE_S)
            calls[-1].add_done_callback(lambda _: let_go.set())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        be_interrupted()
    assert [call.cancelled() for call in calls] == [False] + [True] * 4
