"""Calls of the object store that meet each other, stopped at the worst moment by events."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

import veristack_lab.veristore as veristore
from tests.faulty_disk import quick_folder
from tests.waiting import PATIENCE_S
from veristack_lab.errors import (
    BucketNotFound,
    ObjectNotFound,
    PreconditionFailed,
    UploadNotFound,
    VeriStackError,
)
from veristack_lab.veristore import ObjectStore, Store

CHUNK = 16
OLD, NEW = b"o" * 100, b"n" * 90


@pytest.fixture
def store() -> Iterator[Store]:
    with quick_folder() as folder, veristore.open(folder / "store") as found:
        yield found


@pytest.fixture
def objects(store: Store) -> ObjectStore:
    objects = ObjectStore(store, chunk_bytes=CHUNK, min_part_bytes=1)
    objects.create_bucket("b")
    return objects


class Gate:
    """Stops the first caller of a method until it is opened."""

    def __init__(self, owner: Any, name: str, *, after: bool = False) -> None:
        self._original: Callable[..., Any] = getattr(owner, name)
        self._after = after
        self._taken = False
        self.reached, self.opened = threading.Event(), threading.Event()
        setattr(owner, name, self)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        found = self._original(*args, **kwargs) if self._after else None
        if not self._taken:
            self._taken = True
            self.reached.set()
            assert self.opened.wait(PATIENCE_S)
        return found if self._after else self._original(*args, **kwargs)


@contextmanager
def stopped(gate: Gate, call: Callable[[], Any]) -> Iterator[Future[Any]]:
    """The call runs in a thread and stands at the gate; after the body it goes on to its end."""
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(call)
        try:
            assert gate.reached.wait(PATIENCE_S)
            yield future
        finally:
            gate.opened.set()
        future.exception(PATIENCE_S)


def test_the_collector_spares_a_put_whose_file_is_written(objects: ObjectStore) -> None:
    """V17: content without metadata is not an orphan while its put is on the way."""
    gate = Gate(objects, "_commit_object")
    with stopped(gate, lambda: objects.put("b", "k", NEW)) as put:
        assert len(objects._blobs.ids()) == 1
        assert objects.collect_garbage() == 0
    assert put.result().size_bytes == len(NEW)
    assert objects.get("b", "k") == NEW


def test_the_collector_spares_a_part_and_one_that_commits_between_its_looks(
    objects: ObjectStore, store: Store
) -> None:
    upload = objects.start_upload("b", "k")
    other = ObjectStore(store, chunk_bytes=CHUNK, min_part_bytes=1)
    gate = Gate(other._blobs, "ids", after=True)
    put_gate = Gate(objects, "_commit")
    with stopped(put_gate, lambda: objects.put_part("b", "k", upload, 1, NEW)) as put:
        with stopped(gate, other.collect_garbage) as collected:
            # The file is listed; now its part is committed, and is no longer in flight.
            put_gate.opened.set()
            assert put.result(PATIENCE_S).size_bytes == len(NEW)
        assert collected.result() == 0
    part = objects.parts("b", "k", upload)[0]
    objects.complete_upload("b", "k", upload, [(1, part.etag)])
    assert objects.get("b", "k") == NEW


@pytest.mark.parametrize("end", ["overwrite", "delete", "small", "copy"])
def test_a_reader_reads_on_whatever_becomes_of_the_object(
    objects: ObjectStore, store: Store, end: str
) -> None:
    objects.put("b", "k", OLD)
    objects.put("b", "other", NEW)
    with objects.open("b", "k") as reader, objects.open("b", "k", start=50) as second:
        {
            "overwrite": lambda: objects.put("b", "k", NEW),
            "delete": lambda: objects.delete("b", "k"),
            "small": lambda: objects.put("b", "k", b"s"),
            "copy": lambda: objects.copy("b", "other", "b", "k"),
        }[end]()
        assert objects.collect_garbage() == 0
        assert ObjectStore(store).collect_garbage() == 0, "another face of the same store"
        assert reader.read() == OLD
        assert objects.collect_garbage() == 0
        assert second.read() == OLD[50:]
    live = {"overwrite": 2, "delete": 1, "small": 1, "copy": 2}[end]
    assert len(objects._blobs.ids()) == live, "the last reader took the content along"


def test_a_reader_that_is_given_up_lets_go(objects: ObjectStore) -> None:
    objects.put("b", "k", OLD)
    reader = objects.open("b", "k")
    objects.delete("b", "k")
    next(reader)
    reader.close()
    reader.close()
    assert list(reader) == []
    assert objects._blobs.ids() == []


def test_a_collector_that_looked_before_a_reader_came_spares_it(objects: ObjectStore) -> None:
    """The reader comes, and the object goes, between the collector's looks."""
    objects.put("b", "k", OLD)
    gate = Gate(objects._shared, "spared", after=True)
    with stopped(gate, objects.collect_garbage) as collected:
        reader = objects.open("b", "k")
        objects.delete("b", "k")
    assert collected.result() == 0
    assert reader.read() == OLD
    assert objects._blobs.ids() == []


def test_of_two_puts_to_one_key_the_later_commit_stays_whole(objects: ObjectStore) -> None:
    gate = Gate(objects, "_write_content", after=True)
    with stopped(gate, lambda: objects.put("b", "k", OLD)):
        objects.put("b", "k", NEW)
        assert objects.get("b", "k") == NEW
    assert objects.get("b", "k") == OLD, "it committed later"
    assert len(objects._blobs.ids()) == 1


def test_only_one_of_many_creates(objects: ObjectStore) -> None:
    """Ten puts that all want to be the first, their content written, wait at one line."""
    line = threading.Barrier(10)
    write = objects._write_content

    def write_and_wait(*args: Any, **kwargs: Any) -> Any:
        content = write(*args, **kwargs)
        line.wait(PATIENCE_S)
        return content

    objects._write_content = write_and_wait  # type: ignore[method-assign]

    def put(number: int) -> bool:
        try:
            objects.put("b", "k", bytes([number]) * 50, if_none_match=True)
        except PreconditionFailed:
            return False
        return True

    with ThreadPoolExecutor(10) as pool:
        won = list(pool.map(put, range(10)))
    assert sum(won) == 1
    assert objects.get("b", "k") == bytes([won.index(True)]) * 50
    assert len(objects._blobs.ids()) == 1


def test_a_put_that_meets_the_end_of_its_bucket_is_refused(objects: ObjectStore) -> None:
    gate = Gate(objects, "_write_content", after=True)
    with stopped(gate, lambda: objects.put("b", "k", NEW)) as put:
        objects.delete_bucket("b")
    with pytest.raises(BucketNotFound):
        put.result()
    assert objects._blobs.ids() == []


def test_a_completion_and_an_abort_do_not_both_happen(objects: ObjectStore) -> None:
    upload = objects.start_upload("b", "k")
    part = objects.put_part("b", "k", upload, 1, NEW)
    gate = Gate(objects, "_commit")
    with (
        stopped(gate, lambda: objects.complete_upload("b", "k", upload, [(1, part.etag)])) as done,
        ThreadPoolExecutor(1) as pool,
    ):
        aborted = pool.submit(objects.abort_upload, "b", "k", upload)
        assert not aborted.done()
        gate.opened.set()
        with pytest.raises(UploadNotFound):
            aborted.result(PATIENCE_S)
    assert done.result().size_bytes == len(NEW)
    assert objects.get("b", "k") == NEW


def test_everything_at_once(objects: ObjectStore, store: Store) -> None:
    """Writers, readers, copies, uploads and collectors on few keys: every read is whole."""
    seeds = range(6)
    failures: list[str] = []

    def is_whole(data: bytes) -> bool:
        return len(set(data)) <= 1

    def work(seed: int) -> None:
        rng = random.Random(seed)
        face = ObjectStore(store, chunk_bytes=CHUNK, min_part_bytes=1)
        for _ in range(60):
            key, data = rng.choice("jkl"), bytes([rng.randrange(256)]) * rng.choice([5, 60, 150])
            try:
                match rng.randrange(8):
                    case 0 | 1:
                        face.put("b", key, iter([data[:9], data[9:]]))
                    case 2:
                        face.delete("b", key)
                    case 3:
                        face.copy("b", rng.choice("jkl"), "b", key)
                    case 4:
                        upload = face.start_upload("b", key)
                        part = face.put_part("b", key, upload, 1, data)
                        face.complete_upload("b", key, upload, [(1, part.etag)])
                    case 5:
                        face.collect_garbage()  # may remove what a commit is about to
                    case _:
                        if not is_whole(face.get("b", key)):
                            failures.append("a mixture")
            except ObjectNotFound:
                continue
            except VeriStackError as error:
                failures.append(repr(error))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in seeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    referred = {key[5:] for key, _ in store.scan(b"obj\x00r")}
    assert set(objects._blobs.ids()) == referred
    assert not objects._shared._pins
    assert not objects._shared._doomed
    assert not objects._shared._in_flight
