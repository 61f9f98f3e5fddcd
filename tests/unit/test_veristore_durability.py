"""When a write returns at each level, what is synced then, and what a power cut may take."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

import veristack_lab.veristore as veristore
from tests.faulty_disk import FailingDisk, RecordingDisk
from tests.waiting import wait_until
from veristack_lab.errors import InvalidInput, StoreClosed, StoreFailed
from veristack_lab.kernels import records
from veristack_lab.sim import SimClock, SimDisk
from veristack_lab.veristore import Interval
from veristack_lab.veristore.commit.durability import Durability
from veristack_lab.veristore.kv import Store, open_store
from veristack_lab.veristore.wal.mutations import Change
from veristack_lab.veristore.wal.segment import GROUP_START, HEADER_BYTES


@pytest.fixture
def path(folder: Path) -> Path:
    return folder / "store"


def group_starts(segment: Path) -> list[bool]:
    """Of each record, whether it says that all before it was durable."""
    data = segment.read_bytes()
    found = records.decode_records(data, HEADER_BYTES, 1, 1, 1 << 20)
    return [bool(kind & GROUP_START) for kind in found.types.tolist()]


def test_each_nth_write_syncs_and_the_next_one_says_so(path: Path) -> None:
    disk = RecordingDisk()
    with open_store(path, durability=Interval(writes=3), disk=disk) as store:
        begun = len(disk.operations)
        behind = []
        for number in range(7):
            store.put(b"%d" % number, b"")
            behind.append(store.stats().last_lsn - store.stats().durable_lsn)
        assert behind == [1, 2, 0, 1, 2, 0, 1], "the window is the last two that returned"
        done = [operation for operation, _ in disk.operations[begun:]]
        assert done == ["pwrite", "pwrite", "pwrite", "fdatasync"] * 2 + ["pwrite"]
        assert store.stats().syncs == 2
    starts = group_starts(path / "log-0000000001")
    assert starts == [True, False, False, True, False, False, True, True]


def test_none_syncs_only_for_other_causes(path: Path) -> None:
    store = open_store(path, durability="none", segment_bytes=2000)
    for number in range(5):
        store.put(b"%d" % number, b"")
    assert (store.stats().durable_lsn, store.stats().syncs) == (0, 0)
    assert store.sync() == 5
    assert store.sync() == 5
    assert (store.stats().durable_lsn, store.stats().syncs) == (5, 1), "the second costs nothing"
    store.put(b"long", bytes(2000))
    store.put(b"next", b"")
    assert store.stats().epoch == 2
    assert store.stats().durable_lsn == 6, "a new segment begins behind what is durable"
    store.checkpoint()
    assert store.stats().durable_lsn == 7
    store.put(b"last", b"")
    store.close()
    assert store.stats().durable_lsn == 9, "and MARK"
    with pytest.raises(StoreClosed):
        store.sync()


def test_milliseconds_sync_by_themselves_and_end_with_the_store(path: Path) -> None:
    with veristore.open(path, durability=Interval(ms=1)) as store:
        for number in range(20):
            lsn = store.put(b"%d" % number, b"")
        wait_until(lambda: store.stats().durable_lsn == lsn, "all are durable")
        assert "veristore-sync" in {thread.name for thread in threading.enumerate()}
    assert "veristore-sync" not in {thread.name for thread in threading.enumerate()}


class LateToBeSeen(Store):
    """Shows a group only when the sync that the group asked for has begun, or was passed over."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.passed_over = threading.Event()
        super().__init__(*args, **kwargs)

    def _apply(self, records: Sequence[Iterable[Change]]) -> None:
        wait_until(lambda: self._commit._queue or self.passed_over.is_set())
        super()._apply(records)

    def _sync_in_background(self) -> None:
        super()._sync_in_background()
        self.passed_over.set()


def test_a_sync_that_comes_before_its_group_is_visible_still_syncs_it(path: Path) -> None:
    with open_store(path, durability=Interval(ms=0.001), store_type=LateToBeSeen) as store:
        lsn = store.put(b"the last one", b"")
        wait_until(lambda: store.stats().durable_lsn == lsn, "it is durable without another write")


def test_a_thread_that_syncs_is_only_there_after_a_write(path: Path) -> None:
    with veristore.open(path, durability=Interval(ms=1)) as store:
        assert store.get(b"k") is None
        assert "veristore-sync" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize(
    ("level", "window"),
    [("commit", 0), ("none", 7), (Interval(writes=1), 0), (Interval(writes=4), 3)],
)
def test_a_power_cut_takes_the_end_and_no_more_than_the_window(
    level: Durability, window: int
) -> None:
    """Whatever legal image the disk is left with, a prefix is found that holds the durable."""
    lost = set()
    for seed in range(40):
        disk = SimDisk(seed)
        store = open_store("/s", durability=level, disk=disk, clock=SimClock())
        for number in range(14):
            store.put(b"%02d" % number, b"v" * 20)
            if level == "none" and number == 6:
                assert store.sync() == 7
        durable = store.stats().durable_lsn
        crashed = disk.crash("any", seed)
        with open_store("/s", disk=crashed, clock=SimClock()) as found:
            keys = [key for key, _ in found.scan()]
        assert keys == [b"%02d" % number for number in range(len(keys))], "a prefix"
        assert len(keys) >= durable
        lost.add(14 - len(keys))
    assert max(lost) <= window
    if window:
        assert max(lost) > 0, "the images would prove nothing if none lost anything"


@pytest.mark.parametrize("level", ["commit", "none", Interval(writes=4), Interval(ms=60_000)])
def test_the_death_of_the_process_alone_takes_nothing(level: Durability) -> None:
    disk, clock = SimDisk(0), SimClock()
    store = open_store("/s", durability=level, disk=disk, clock=clock)
    for number in range(14):
        store.put(b"%02d" % number, b"")
    killed = disk.after_kill()
    with open_store("/s", disk=killed, clock=clock) as found:
        assert [key for key, _ in found.scan()] == [b"%02d" % number for number in range(14)]
        assert found.stats().durable_lsn >= 14, "what recovery found is durable before it is served"
    store.close()


def test_a_failed_sync_takes_back_all_that_waited_for_it(path: Path) -> None:
    disk = FailingDisk("fdatasync")
    store = open_store(path, durability="none", disk=disk)
    store.put(b"durable", b"")
    store.sync()
    store.put(b"acknowledged", b"")
    disk.armed = True
    with pytest.raises(StoreFailed, match="reopen"):
        store.sync()
    with pytest.raises(StoreFailed, match="earlier"):
        store.sync()
    disk.armed = False
    with pytest.raises(StoreFailed):
        store.put(b"later", b"")
    assert store.get(b"acknowledged") == b"", "readers still see what was acknowledged"
    store.close()
    with veristore.open(path) as store:
        assert [key for key, _ in store.scan()] == [b"durable"]
    assert disk.failures == 1, "a failed sync is never tried again"


def test_a_failed_write_takes_back_only_itself(path: Path) -> None:
    disk = FailingDisk("pwrite")
    store = open_store(path, durability="none", disk=disk)
    store.put(b"acknowledged", b"")
    disk.armed = True
    with pytest.raises(StoreFailed):
        store.put(b"failed", b"")
    disk.armed = False
    store.close()
    with veristore.open(path) as store:
        assert [key for key, _ in store.scan()] == [b"acknowledged"]


def test_a_sync_that_fails_in_the_background_is_told_to_the_next_writer(path: Path) -> None:
    disk = FailingDisk("fdatasync")
    store = open_store(path, durability=Interval(ms=1), disk=disk)
    disk.armed = True
    store.put(b"k", b"")
    wait_until(lambda: "failed" in repr(store), "the failure was not kept")
    with pytest.raises(StoreFailed, match="earlier sync"):
        store.put(b"k", b"")
    disk.armed = False
    store.close()


@pytest.mark.parametrize("wrong", [{}, {"writes": 1, "ms": 1}, {"writes": 0}, {"ms": 0}])
def test_what_is_no_interval(wrong: dict[str, int]) -> None:
    with pytest.raises(InvalidInput, match="Interval"):
        Interval(**wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"durability": "interval"},
        {"recovery": "hope"},
        {"segment_bytes": 0},
        {"checkpoint_bytes": 0},
    ],
)
def test_an_option_that_is_none_touches_nothing(path: Path, wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(wrong))):
        veristore.open(path, **wrong)
    assert not path.exists()
