"""Group commit by itself: who leads, who waits, and what Ctrl-C may do to them."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

import veristack_lab.veristore as veristore
from tests.faulty_disk import WatchedDisk
from veristack_lab.errors import StoreFailed
from veristack_lab.veristore.commit.group import MAX_GROUP_BYTES, GroupCommit
from veristack_lab.veristore.kv import open_store
from veristack_lab.veristore.wal.mutations import RecordType


class MemoryLog:
    """Keeps groups in a list; `before` is called ahead of each append."""

    def __init__(self, before: Callable[[], None] = lambda: None) -> None:
        self.groups: list[list[bytes]] = []
        self.applied: list[object] = []
        self.before = before
        self.undone = 0
        self._next = 1
        self.commit = GroupCommit(self.append, self.applied.extend, self.undo)

    def append(self, kinds: Sequence[int], payloads: Sequence[bytes]) -> int:
        self.before()
        self.groups.append(list(payloads))
        first, self._next = self._next, self._next + len(payloads)
        return first

    def undo(self) -> None:
        self.undone += 1

    def put(self, payload: bytes) -> int:
        return self.commit.commit(RecordType.PUT, payload, ((payload, b""),))

    def wait_for_queue(self, length: int) -> None:
        while len(self.commit._queue) < length:
            threading.Event().wait(0.001)


@contextmanager
def ctrl_c(when: Callable[[], None]) -> Iterator[None]:
    """Press Ctrl-C once `when` returns, in a thread of its own; the body must be broken off."""

    def press() -> None:
        when()
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    presser = threading.Thread(target=press)
    presser.start()
    with pytest.raises(KeyboardInterrupt):
        yield
    presser.join()


def test_those_who_come_during_a_sync_are_the_next_group() -> None:
    log, syncing, go_on = MemoryLog(), threading.Event(), threading.Event()

    def before() -> None:
        syncing.set()
        go_on.wait()

    log.before = before
    threads = [threading.Thread(target=log.put, args=(b"first",))]
    threads[0].start()
    syncing.wait()
    for number in range(5):
        threads.append(threading.Thread(target=log.put, args=(b"%d" % number,)))
        threads[-1].start()
        log.wait_for_queue(number + 1)
    go_on.set()
    for thread in threads:
        thread.join()
    assert log.groups == [[b"first"], [b"0", b"1", b"2", b"3", b"4"]]
    assert log.applied == [((p, b""),) for group in log.groups for p in group]
    assert (log.commit.counts.records, log.commit.counts.groups) == (6, 2)


def test_a_group_has_a_size() -> None:
    log, syncing, go_on = MemoryLog(), threading.Event(), threading.Event()

    def before() -> None:
        syncing.set()
        go_on.wait()

    log.before = before
    large = bytes(MAX_GROUP_BYTES)
    threads = [threading.Thread(target=log.put, args=(b"first",))]
    threads[0].start()
    syncing.wait()
    for payload in (b"small", large, b"next"):
        threads.append(threading.Thread(target=log.put, args=(payload,)))
        threads[-1].start()
        log.wait_for_queue(len(threads) - 1)
    go_on.set()
    for thread in threads:
        thread.join()
    assert [len(group) for group in log.groups] == [1, 2, 1]


def test_exclusive_waits_for_the_group_before_and_holds_the_one_after() -> None:
    log = MemoryLog()
    writers = [threading.Thread(target=log.put, args=(b"%d" % n,)) for n in range(8)]
    with log.commit.exclusive():
        for writer in writers:
            writer.start()
        log.wait_for_queue(8)
        assert log.groups == []
    for writer in writers:
        writer.join()
    assert sum(map(len, log.groups)) == 8


def test_ctrl_c_while_waiting_gives_up_the_place_in_the_queue() -> None:
    log, syncing, go_on = MemoryLog(), threading.Event(), threading.Event()

    def before() -> None:
        syncing.set()
        go_on.wait()

    log.before = before
    leader = threading.Thread(target=log.put, args=(b"leader",))
    leader.start()
    syncing.wait()

    with ctrl_c(lambda: log.wait_for_queue(1)):
        log.put(b"never mind")
    go_on.set()
    leader.join()
    assert log.put(b"after") == 2
    assert log.groups == [[b"leader"], [b"after"]]


@pytest.mark.parametrize("operation", ["pwrite", "fdatasync"])
def test_ctrl_c_in_the_middle_of_a_write_finishes_it(folder: Path, operation: str) -> None:
    pressed = []

    def watch(found: str, name: str) -> None:
        if found == operation and armed and not pressed:
            pressed.append(name)
            raise KeyboardInterrupt

    armed = False
    with open_store(folder / "s", disk=WatchedDisk(watch)) as store:
        armed = True
        with pytest.raises(KeyboardInterrupt):
            store.put(b"k", b"v")
        assert store.get(b"k") == b"v"
        assert store.put(b"after", b"") == 2
    with veristore.open(folder / "s") as store:
        assert dict(store.scan()) == {b"k": b"v", b"after": b""}


def test_an_unexpected_failure_releases_every_writer() -> None:
    log, syncing, go_on = MemoryLog(), threading.Event(), threading.Event()
    refused: list[StoreFailed] = []

    def before() -> None:
        syncing.set()
        go_on.wait()
        raise RuntimeError("a bug")

    def put() -> None:
        try:
            log.put(b"x")
        except (StoreFailed, RuntimeError) as error:
            refused.append(error)  # type: ignore[arg-type]

    log.before = before
    threads = [threading.Thread(target=put) for _ in range(4)]
    threads[0].start()
    syncing.wait()
    for thread in threads[1:]:
        thread.start()
    log.wait_for_queue(3)
    go_on.set()
    for thread in threads:
        thread.join()
    assert len(refused) == 4
    assert log.undone == 1
    with pytest.raises(StoreFailed, match="a bug"):
        log.put(b"later")


class StoppedGroup:
    """A commit whose second group is stopped on its way to the disk until `go_on` is set."""

    def __init__(self) -> None:
        self.first, self.second, self.go_on = (threading.Event() for _ in range(3))
        self.gather = threading.Event()
        self.log, self.returned = MemoryLog(), set[bytes]()

        def before() -> None:
            begun, go_on = (
                (self.second, self.go_on) if self.log.groups else (self.first, self.gather)
            )
            begun.set()
            go_on.wait()

        self.log.before = before
        self.threads: list[threading.Thread] = []

    def put(self, payload: bytes) -> None:
        self.log.put(payload)
        self.returned.add(payload)

    def start(self, payload: bytes, place: int) -> threading.Thread:
        """A thread that puts; it has this place in the queue now."""
        thread = threading.Thread(target=self.put, args=(payload,))
        self.threads.append(thread)
        thread.start()
        self.log.wait_for_queue(place)
        return thread

    def end(self) -> None:
        """Let the second group be written, and wait until all writers have returned."""
        self.go_on.set()
        for thread in self.threads:
            thread.join()


def test_ctrl_c_in_one_of_a_group_leaves_no_writer_asleep() -> None:
    stopped = StoppedGroup()
    stopped.start(b"first", 0)
    stopped.first.wait()
    stopped.start(b"leads", 1)
    stopped.start(b"before", 2)

    def until_the_group_is_on_its_way() -> None:
        stopped.log.wait_for_queue(3)
        stopped.start(b"behind", 4)
        stopped.gather.set()
        stopped.second.wait()

    with ctrl_c(until_the_group_is_on_its_way):
        stopped.put(b"pressed")
    stopped.end()
    assert stopped.log.groups == [[b"first"], [b"leads", b"before", b"pressed", b"behind"]]
    assert stopped.returned == {b"first", b"leads", b"before", b"behind"}
    assert stopped.log.put(b"later") == 6
