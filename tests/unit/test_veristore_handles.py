"""Writes that were handed in: waited for in a thread, in an event loop, or not at all."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import veristack_lab.veristore as veristore
from tests.faulty_disk import FailingDisk, WatchedDisk
from tests.waiting import PATIENCE_S
from veristack_lab.errors import CommitPending, InvalidInput, KeyTooLarge, StoreClosed, StoreFailed
from veristack_lab.veristore import Batch, CommitHandle, Store
from veristack_lab.veristore.kv import open_store


@pytest.fixture
def path(folder: Path) -> Path:
    return folder / "store"


class GatedDisk(WatchedDisk):
    """Syncs of a closed gate wait until it is opened."""

    def __init__(self) -> None:
        self.gate, self.reached = threading.Event(), threading.Event()
        self.gate.set()

        def watch(operation: str, name: str) -> None:
            if operation == "fdatasync" and not self.gate.is_set():
                self.reached.set()
                self.gate.wait(60)  # a test that failed meanwhile closes its store, and ends

        super().__init__(watch)


def names_of_threads() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


def test_handles_return_what_put_would_have_returned(path: Path) -> None:
    with veristore.open(path) as store:
        assert "veristore-commit" not in names_of_threads(), "no caller has asked for one"
        first = store.put_async(b"a", b"1")
        assert first.wait() == 1
        assert (first.done(), repr(first)) == (True, "<CommitHandle, LSN 1>")
        handles = [store.put_async(b"%d" % number, b"v") for number in range(100)]
        handles.append(store.delete_async(b"a"))
        handles.append(store.write_async(Batch().put(b"x", b"1").put(b"y", b"2")))
        assert [handle.wait(PATIENCE_S) for handle in handles] == list(range(2, 104))
        assert store.put(b"b", b"") == 104
        assert store.get(b"a") is None
        assert store.get(b"y") == b"2"
        assert first.wait(0) == 1, "as often as one likes"
    assert "veristore-commit" not in names_of_threads()
    with veristore.open(path) as store:
        assert len(store) == 103


def test_what_cannot_be_stored_is_said_at_once(path: Path) -> None:
    with veristore.open(path) as store:
        with pytest.raises(KeyTooLarge):
            store.put_async(b"", b"")
        with pytest.raises(InvalidInput, match="empty"):
            store.write_async(Batch())
    with pytest.raises(StoreClosed):
        store.put_async(b"k", b"v")


def test_a_wait_may_expire_and_be_taken_up_again(path: Path) -> None:
    disk = GatedDisk()
    with open_store(path, disk=disk) as store:
        disk.gate.clear()
        handle = store.put_async(b"k", b"v")
        disk.reached.wait()
        with pytest.raises(CommitPending, match="not decided") as caught:
            handle.wait(timeout_s=0.01)
        assert isinstance(caught.value, TimeoutError)
        assert (handle.done(), repr(handle)) == (False, "<CommitHandle, on its way>")
        assert store.get(b"k") is None, "not before it is durable"
        disk.gate.set()
        assert handle.wait(PATIENCE_S) == 1
        assert store.get(b"k") == b"v"


def test_threads_and_handles_share_groups_and_order(path: Path) -> None:
    disk = GatedDisk()
    with open_store(path, disk=disk) as store:
        disk.gate.clear()
        handles = [store.put_async(b"k", b"first")]
        disk.reached.wait()
        handles += [store.put_async(b"k", b"%d" % number) for number in range(5)]
        putter = threading.Thread(target=store.put, args=(b"k", b"thread"))
        putter.start()
        while len(store._commit._queue) < 6:
            threading.Event().wait(0.001)
        handles += [store.put_async(b"k", b"last")]
        disk.gate.set()
        putter.join()
        assert [handle.wait(PATIENCE_S) for handle in handles] == [1, 2, 3, 4, 5, 6, 8]
        assert store.get(b"k") == b"last"
        assert (store.stats().groups, store.stats().records) == (2, 8)


def test_close_writes_what_was_handed_in(path: Path) -> None:
    disk = GatedDisk()
    store = open_store(path, disk=disk)
    disk.gate.clear()
    handles = [store.put_async(b"%d" % number, b"") for number in range(50)]
    closer = threading.Thread(target=store.close)
    closer.start()
    disk.gate.set()
    closer.join()
    assert [handle.wait(0) for handle in handles] == list(range(1, 51))
    with veristore.open(path) as store:
        assert len(store) == 50


def test_handles_can_be_awaited_in_any_loop(path: Path) -> None:
    async def work(store: Store, prefix: bytes) -> list[int]:
        return await asyncio.gather(*(one(store, prefix + b"%d" % n) for n in range(50)))

    async def one(store: Store, key: bytes) -> int:
        handle = store.put_async(key, b"v")
        lsn = await handle
        assert await handle == lsn, "a second time, when it is done already"
        return lsn

    found: list[int] = []
    with veristore.open(path) as store:
        threads = [
            threading.Thread(target=lambda p=prefix: found.extend(asyncio.run(work(store, p))))
            for prefix in (b"a", b"b", b"c")
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(found) == list(range(1, 151))
        assert len(store) == 150
        assert store.stats().groups < 150, "they shared syncs"


def test_a_cancelled_task_does_not_stop_the_write(path: Path) -> None:
    disk = GatedDisk()

    async def main(store: Store) -> CommitHandle:
        handle = store.put_async(b"k", b"v")
        await asyncio.to_thread(disk.reached.wait)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.ensure_future(waited(handle)), 0.01)
        return handle

    async def waited(handle: CommitHandle) -> int:
        return await handle

    with open_store(path, disk=disk) as store:
        disk.gate.clear()
        handle = asyncio.run(main(store))  # its loop is closed when the write is decided
        disk.gate.set()
        assert handle.wait(PATIENCE_S) == 1


@pytest.mark.parametrize("operation", ["pwrite", "fdatasync"])
def test_a_failed_store_fails_every_handle(path: Path, operation: str) -> None:
    disk, gate, reached = FailingDisk(operation), threading.Event(), threading.Event()
    plain_watch: Callable[[str, str], None] = disk._watch

    def watch(found: str, name: str) -> None:
        if found == operation and disk.armed:
            reached.set()
            gate.wait()
        plain_watch(found, name)

    disk._watch = watch
    store = open_store(path, disk=disk)
    store.put(b"before", b"")
    disk.armed = True
    handles = [store.put_async(b"first", b"")]
    reached.wait()
    handles += [store.put_async(b"%d" % number, b"") for number in range(20)]
    gate.set()
    for handle in handles:
        with pytest.raises(StoreFailed, match=r"reopen|earlier"):
            handle.wait(PATIENCE_S)
        assert handle.done()

    async def awaited() -> None:
        with pytest.raises(StoreFailed):
            await handles[0]

    asyncio.run(awaited())
    with pytest.raises(StoreFailed, match="earlier"):
        store.put_async(b"later", b"")
    disk.armed = False
    store.close()
    with veristore.open(path) as store:
        assert [key for key, _ in store.scan()] == [b"before"]
