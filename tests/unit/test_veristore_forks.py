"""A store belongs to the process that opened it; a fork of that process is refused."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

import veristack_lab.veristore as veristore
from tests.forked import in_fork
from veristack_lab.errors import StoreForked, StoreLocked
from veristack_lab.veristore import Batch, ObjectStore, Store

LARGE = b"x" * 300_000
"""Longer than what an object's metadata record holds: it lies in a file of its own."""


async def awaited(handle: veristore.CommitHandle) -> int:
    return await handle


USES: dict[str, Callable[[Store], object]] = {
    "get": lambda store: store.get(b"k"),
    "get of a key that is not there": lambda store: store.get(b"absent"),
    "scan": lambda store: list(store.scan()),
    "snapshot_view": lambda store: store.snapshot_view(),
    "len": len,
    "put": lambda store: store.put(b"k", b"child"),
    "delete": lambda store: store.delete(b"k"),
    "put_many": lambda store: store.put_many({b"k": b"child"}),
    "write": lambda store: store.write(Batch().put(b"k", b"child")),
    "put_async": lambda store: store.put_async(b"k", b"child").wait(30),
    "sync": lambda store: store.sync(),
    "checkpoint": lambda store: store.checkpoint(),
    "stats": lambda store: store.stats(),
    "an object store": ObjectStore,
}


@pytest.mark.parametrize("use", USES)
def test_a_fork_cannot_use_the_store_of_its_parent(folder: Path, use: str) -> None:
    with veristore.open(folder / "s") as store:
        store.put(b"k", b"parent")
        assert in_fork(lambda: USES[use](store)) == "StoreForked"
        assert store.put(b"k2", b"parent") == 2, "the owner goes on as if nothing had been"
        assert store.get(b"k") == b"parent"
    with veristore.open(folder / "s") as store:
        assert dict(store.scan()) == {b"k": b"parent", b"k2": b"parent"}
        assert not store.stats().recovery.after_crash


def test_views_handles_objects_and_readers_are_refused_too(folder: Path) -> None:
    with veristore.open(folder / "s") as store:
        handle = store.put_async(b"k", b"v")
        handle.wait()
        objects = ObjectStore(store)
        objects.create_bucket("b")
        objects.put("b", "large", LARGE)
        with ExitStack() as opened:
            view = opened.enter_context(store.snapshot_view())
            pairs = view.scan()
            reader = opened.enter_context(objects.open("b", "large"))
            uses: list[Callable[[], object]] = [
                lambda: view.get(b"k"),
                lambda: list(view.scan()),
                lambda: next(pairs),
                handle.done,
                handle.wait,
                lambda: asyncio.run(awaited(handle)),
                lambda: objects.get("b", "large"),
                lambda: objects.put("b", "large", b"child"),
                lambda: objects.put("b", "other", LARGE),
                lambda: objects.create_bucket("c"),
                lambda: objects.list("b"),
                lambda: objects.delete("b", "large"),
                objects.collect_garbage,
                reader.read,
            ]
            assert [in_fork(use) for use in uses] == ["StoreForked"] * len(uses)
            assert (view.get(b"k"), reader.read()) == (b"v", LARGE)


def test_a_fork_that_leaves_its_with_blocks_takes_nothing_from_the_owner(folder: Path) -> None:
    with veristore.open(folder / "s") as store:
        objects = ObjectStore(store)
        objects.create_bucket("b")
        objects.put("b", "k", LARGE)
        reader = objects.open("b", "k")
        objects.delete("b", "k")  # the reader alone keeps the content now

        def leave() -> str:
            reader.close()
            store.close()
            return "left"

        assert in_fork(leave) == "left"
        assert reader.read() == LARGE
        with pytest.raises(StoreLocked):
            veristore.open(folder / "s")


def test_an_owner_frees_the_path_though_forks_live_on(folder: Path) -> None:
    go_on, stop = os.pipe()
    store = veristore.open(folder / "s")
    store.put(b"k", b"v")
    child = threading.Thread(target=in_fork, args=(lambda: os.read(go_on, 1),))
    child.start()
    try:
        store.close()
        with veristore.open(folder / "s") as again:
            assert again.get(b"k") == b"v"
    finally:
        os.write(stop, b"x")
        child.join()
        os.close(go_on)
        os.close(stop)


def test_an_owner_frees_the_path_though_a_copy_of_its_lock_is_open(folder: Path) -> None:
    """As in a fork that has not come to its hook yet, or one that C code made."""
    store = veristore.open(folder / "s")
    lock = folder / "s" / "LOCK"
    opened = [path for path in Path("/proc/self/fd").iterdir() if path.resolve() == lock.resolve()]
    copies = [os.dup(int(path.name)) for path in opened]
    assert copies
    try:
        store.close()
        veristore.open(folder / "s").close()
    finally:
        for fd in copies:
            os.close(fd)


KILLED_OWNER = """
import os, signal, sys
from veristack_lab import veristore
store = veristore.open(sys.argv[1])
store.put(b"k", b"v")
if os.fork() == 0:
    os.write(1, b"forked\\n")
    sys.stdin.read()
    os._exit(0)
signal.pause()
"""


def test_a_killed_owner_frees_the_path_though_forks_live_on(folder: Path) -> None:
    command = [sys.executable, "-c", KILLED_OWNER, str(folder / "s")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"forked\n"
        owner.kill()
        assert os.waitid(os.P_PID, owner.pid, os.WEXITED | os.WNOWAIT) is not None
        with veristore.open(folder / "s") as store:
            assert store.get(b"k") == b"v"


def test_a_fork_opens_a_store_of_its_own(folder: Path) -> None:
    with veristore.open(folder / "mine") as mine:
        mine.put(b"k", b"v")

        def own() -> int:
            with pytest.raises(StoreLocked):
                veristore.open(folder / "mine")
            with veristore.open(folder / "other") as other:
                assert in_fork(lambda: other.get(b"k")) == "StoreForked"
                ObjectStore(other).create_bucket("b")
                return other.put(b"k", b"child")

        assert in_fork(own) == "2"


def test_a_fork_is_refused_whatever_lock_another_thread_held(folder: Path) -> None:
    with veristore.open(folder / "s") as store:
        objects = ObjectStore(store)
        objects.create_bucket("b")
        held = [
            store._map_lock,
            store._close_lock,
            store._commit._mutex,
            store._checkpoints._mutex,
            objects._shared._lock,
            *objects._shared._stripes,
        ]
        view = store.snapshot_view()
        for lock in held:
            lock.acquire()
        try:

            def every() -> list[str]:
                names = []
                uses = [
                    *(lambda use=use: use(store) for use in USES.values()),
                    lambda: objects.create_bucket("c"),
                    lambda: objects.put("b", "k", LARGE),
                    lambda: objects.open("b", "k"),
                    lambda: list(view.scan()),
                    view.close,
                    store.close,
                ]
                for use in uses:
                    try:
                        use()
                        names.append("fine")
                    except StoreForked:
                        names.append("refused")
                return names

            assert in_fork(every) == str(["refused"] * (len(USES) + 4) + ["fine"] * 2)
        finally:
            for lock in held:
                lock.release()
        view.close()


def test_writers_are_not_disturbed_by_forks(folder: Path) -> None:
    ended = threading.Event()
    written: list[int] = []

    def write(store: Store) -> None:
        while not ended.is_set():
            written.append(store.put(b"%d" % len(written), b"v" * 100))

    with veristore.open(folder / "s", checkpoint_bytes=20_000) as store:
        writer = threading.Thread(target=write, args=(store,))
        writer.start()
        try:
            answers = [in_fork(lambda: store.put(b"child", b"v")) for _ in range(10)]
        finally:
            ended.set()
            writer.join()
        assert answers == ["StoreForked"] * 10
    with veristore.open(folder / "s") as store:
        assert len(store) == len(written)
        assert store.get(b"child") is None
        assert store.stats().recovery.damage == ()
