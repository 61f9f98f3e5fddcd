"""Writes handed in faster than the disk takes them: bounded, and no wait is for ever."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import veristack_lab.veristore as veristore
from tests.faulty_disk import FailingDisk
from tests.forked import in_fork
from tests.unit.test_veristore_handles import GatedDisk
from veristack_lab.errors import InvalidInput, StoreClosed, StoreFailed
from veristack_lab.veristore import Batch, CommitHandle, Store
from veristack_lab.veristore.kv import open_store

LIMIT = 5


def until(condition: Callable[[], bool]) -> None:
    ends_s = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < ends_s, "it did not come to that"
        threading.Event().wait(0.001)


def sleepers(store: Store) -> int:
    return len(store._commit._pending._wakes)


def pending(store: Store) -> int:
    return len(store._commit._pending)


@pytest.mark.parametrize("per_call", [False, True])
def test_a_thread_waits_for_room_and_memory_stays_bounded(folder: Path, per_call: bool) -> None:
    disk = GatedDisk()
    of_store, of_call = (1000, LIMIT) if per_call else (LIMIT, None)
    handles: list[CommitHandle] = []
    with open_store(folder / "s", disk=disk, max_pending=of_store) as store:
        disk.gate.clear()

        def hand_in() -> None:
            keys = (b"%03d" % number for number in range(4 * LIMIT))
            handles.extend(store.put_async(key, b"v", max_pending=of_call) for key in keys)

        thread = threading.Thread(target=hand_in)
        thread.start()
        disk.reached.wait()
        until(lambda: sleepers(store) == 1)
        assert (len(handles), pending(store)) == (LIMIT, LIMIT)
        disk.gate.set()
        thread.join()
        assert [handle.wait() for handle in handles] == list(range(1, 4 * LIMIT + 1))
        assert (pending(store), sleepers(store)) == (0, 0)


def test_many_threads_with_room_for_one_all_come_through(folder: Path) -> None:
    with veristore.open(folder / "s", max_pending=1) as store:

        def hand_in(name: int) -> None:
            for number in range(20):
                store.put_async(b"%d-%d" % (name, number), b"v")
                store.write_async(Batch().put(b"%d/%d" % (name, number), b"v"))

        threads = [threading.Thread(target=hand_in, args=(name,)) for name in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        store.delete_async(b"0-0").wait()
        assert len(store) == 8 * 40 - 1


def test_a_task_waits_for_room_while_its_loop_goes_on(folder: Path) -> None:
    disk = GatedDisk()
    with open_store(folder / "s", disk=disk, max_pending=LIMIT) as store:

        async def hand_in(name: int, handed: list[CommitHandle]) -> None:
            for number in range(10):
                await store.room()
                assert pending(store) < LIMIT, "so that put_async does not block the loop"
                handed.append(store.put_async(b"%d-%d" % (name, number), b"v"))

        async def main() -> list[int]:
            handed: list[CommitHandle] = []
            disk.gate.clear()
            tasks = [asyncio.create_task(hand_in(name, handed)) for name in range(3)]
            while sleepers(store) < 3:
                await asyncio.sleep(0.001)
            assert len(handed) == LIMIT
            disk.gate.set()  # by the loop, which would not come here if it were blocked
            await asyncio.gather(*tasks)
            return [await handle for handle in handed]

        assert sorted(asyncio.run(main())) == list(range(1, 31))


def test_a_cancelled_wait_leaves_nothing_behind(folder: Path) -> None:
    disk = GatedDisk()
    with open_store(folder / "s", disk=disk, max_pending=1) as store:

        async def main() -> None:
            disk.gate.clear()
            handle = store.put_async(b"k", b"v")
            waits = [asyncio.create_task(store.room()) for _ in range(3)]
            while sleepers(store) < 3:
                await asyncio.sleep(0.001)
            waits[0].cancel()
            with pytest.raises(asyncio.CancelledError):
                await waits[0]
            assert sleepers(store) == 2
            disk.gate.set()
            await asyncio.gather(*waits[1:])
            await handle

        asyncio.run(main())
        disk.gate.clear()
        last = store.put_async(b"k", b"w")
        with pytest.raises(TimeoutError):
            asyncio.run(asyncio.wait_for(store.room(), 0.01))
        disk.gate.set()
        assert last.wait() == 2
        assert sleepers(store) == 0


def test_a_loop_that_was_closed_keeps_no_thread_waiting(folder: Path) -> None:
    disk = GatedDisk()
    with open_store(folder / "s", disk=disk, max_pending=1) as store:
        disk.gate.clear()
        store.put_async(b"k", b"v")
        loop = asyncio.new_event_loop()
        task = loop.create_task(store.room())
        loop.call_soon(loop.stop)
        loop.run_forever()
        assert sleepers(store) == 1
        task._log_destroy_pending = False  # type: ignore[attr-defined]  # the point of it
        loop.close()
        thread = threading.Thread(target=store.put_async, args=(b"k", b"w"))
        thread.start()
        until(lambda: sleepers(store) == 2)
        disk.gate.set()
        thread.join()


@pytest.mark.parametrize("end", ["close", "failure"])
def test_who_waits_for_room_is_told_of_the_end(folder: Path, end: str) -> None:
    disk = FailingDisk("pwrite") if end == "failure" else GatedDisk()
    store = open_store(folder / "s", disk=disk, max_pending=1)
    told: list[type[BaseException]] = []

    def hand_in() -> None:
        try:
            while True:
                store.put_async(b"k", b"v")
        except (StoreClosed, StoreFailed) as error:
            told.append(type(error))

    async def wait() -> None:
        while True:
            await store.room()
            store.put_async(b"k", b"v")

    def wait_in_loop() -> None:
        try:
            asyncio.run(wait())
        except (StoreClosed, StoreFailed) as error:
            told.append(type(error))

    threads = [threading.Thread(target=work) for work in (hand_in, hand_in, wait_in_loop)]
    for thread in threads:
        thread.start()
    until(lambda: store.stats().last_lsn > 20)
    if isinstance(disk, FailingDisk):
        disk.armed = True
    else:
        store.close()
    for thread in threads:
        thread.join()
    assert told == [StoreClosed if end == "close" else StoreFailed] * 3
    store.close()


def put_and_be_interrupted(path: Path) -> list[int]:
    """LSNs of what a signal handler hands in, in the middle of a put, with room for one."""
    disk = GatedDisk()
    handed: list[CommitHandle] = []
    first = iter([True])
    with open_store(path, disk=disk, max_pending=1) as store:

        def handler(_number: int, _frame: object) -> None:
            if next(first, False):
                handed.extend(store.put_async(b"h%d" % number, b"v") for number in range(3))

        def pressed() -> bool:
            # Again and again: a signal just before the thread sleeps does not wake it.
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
            return len(handed) == 3

        def press() -> None:
            disk.reached.wait()
            until(pressed)
            disk.gate.set()

        signal.signal(signal.SIGUSR1, handler)
        disk.gate.clear()
        presser = threading.Thread(target=press)
        presser.start()
        store.put(b"k", b"v")
        presser.join()
        return [handle.wait() for handle in handed]


def test_a_thread_that_commits_does_not_wait_for_itself(folder: Path) -> None:
    # In a fork, for one that waits for itself can only be ended from outside.
    assert in_fork(lambda: put_and_be_interrupted(folder / "s")) == "[2, 3, 4]"


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_is_at_least_one(folder: Path, limit: int) -> None:
    with pytest.raises(InvalidInput, match="max_pending"):
        veristore.open(folder / "s", max_pending=limit)
    with veristore.open(folder / "s") as store:
        with pytest.raises(InvalidInput, match="max_pending"):
            store.put_async(b"k", b"v", max_pending=limit)
        with pytest.raises(InvalidInput, match="max_pending"):
            asyncio.run(store.room(limit))
