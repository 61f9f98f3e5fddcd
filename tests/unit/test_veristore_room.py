"""Room reserved ahead: writes overwrite it, close gives it back, recovery takes it for nothing."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

import veristack_lab.veristore as veristore
from tests.faulty_disk import FailingDisk, RecordingDisk, index_of
from tests.unit.test_veristore_log import group, store_with
from veristack_lab import sim
from veristack_lab.errors import DiskFull, StoreCorrupt, StoreFailed
from veristack_lab.veristore.disk import RealDisk, RealFile
from veristack_lab.veristore.kv import Store, open_store
from veristack_lab.veristore.recovery.damage import RecoveryMode
from veristack_lab.veristore.wal import log as wal
from veristack_lab.veristore.wal.anatomy import log_anatomy
from veristack_lab.veristore.wal.log import Log
from veristack_lab.veristore.wal.segment import HEADER_BYTES, written_end
from veristack_lab.viz import veristore as viz

LEAST, MOST = 64 * 1024, 256 * 1024
SEGMENT = "log-0000000001"


@pytest.fixture
def path(folder: Path) -> Path:
    return folder / "store"


def size_of(path: Path, epoch: int = 1) -> int:
    return wal.path_of(path, epoch).stat().st_size


class NarrowDisk(RealDisk):
    """Has no room for a write that ends behind a byte; takes what there is room for."""

    def __init__(self, limit_bytes: int, number: int = errno.ENOSPC) -> None:
        self.limit_bytes = limit_bytes
        self.number = number
        self.refused = 0

    def open(self, path: Path, *, create: bool = False) -> RealFile:
        disk = self

        class NarrowFile(RealFile):
            def pwrite(self, data: bytes, offset: int) -> None:  # type: ignore[override]
                left = max(0, disk.limit_bytes - offset)
                super().pwrite(data[:left], offset)
                if len(data) > left:
                    disk.refused += 1
                    raise OSError(disk.number, os.strerror(disk.number), str(self.path))

        return NarrowFile(path, os.O_RDWR | (os.O_CREAT | os.O_EXCL if create else 0))


# ----------------------------------------------------------------------------- writing


def test_the_file_stays_as_long_as_it_is_while_there_is_room(path: Path) -> None:
    with veristore.open(path) as store:
        store.put(b"first", b"")
        size = size_of(path)
        assert LEAST <= size < LEAST + 2 * 4096
        assert size % 4096 == 0, "whole blocks"
        while store.stats().log_bytes < LEAST - 200:
            store.put(b"key", b"v" * 100)
            assert size_of(path) == size
        used = store.stats().log_bytes
        data = wal.path_of(path, 1).read_bytes()
        assert data[used:] == bytes(size - used)
        assert store.stats().log_bytes_since_snapshot <= used, "reserved room counts as log"


def test_room_grows_with_the_log_up_to_a_bound_and_to_the_end_of_the_segment(path: Path) -> None:
    limit, rooms = 1024 * 1024, []
    with veristore.open(path, segment_bytes=limit) as store:
        while store.stats().epoch == 1:
            before = size_of(path)
            store.put(b"key", b"v" * 5000)
            if store.stats().epoch == 1 and size_of(path) != before:
                rooms.append(size_of(path) - store.stats().log_bytes)
        assert size_of(path) < limit + 6000, "a segment ends as it ever did"
    assert LEAST - 4096 < rooms[0] <= LEAST
    assert MOST - 4096 < max(rooms) <= MOST


def test_small_segments_have_room_for_themselves_only(path: Path) -> None:
    with veristore.open(path, segment_bytes=4096) as store:
        store.put(b"k", b"")
        assert size_of(path) == 4096
    with veristore.open(path, segment_bytes=1000) as store:
        store.put(b"k", b"")
        assert size_of(path) == store.stats().log_bytes


def test_long_writes_and_unsynced_ones_bring_no_room(path: Path) -> None:
    with veristore.open(path) as store:
        store.put(b"long", bytes(LEAST + 1))
        assert size_of(path) == store.stats().log_bytes
        store.put(b"short", b"")
        assert size_of(path) > store.stats().log_bytes
    with veristore.open(path, durability=veristore.Interval(writes=3)) as store:
        for number in range(2):
            store.put(b"%d" % number, b"")
            assert size_of(path) == store.stats().log_bytes
        store.put(b"synced", b"")
        assert size_of(path) > store.stats().log_bytes


def test_close_gives_the_room_back(path: Path) -> None:
    veristore.open(path).close()
    disk = RecordingDisk()
    with open_store(path, disk=disk) as store:
        store.put(b"k", b"v")
    assert size_of(path) == store.stats().log_bytes
    last = [one for one in disk.operations if one[1] == SEGMENT]
    assert last[-3:] == [("pwrite", SEGMENT), ("fdatasync", SEGMENT), ("truncate", SEGMENT)]


def test_a_store_that_wrote_nothing_reserves_nothing(path: Path) -> None:
    veristore.open(path).close()
    before = wal.path_of(path, 1).read_bytes()
    assert len(before) == HEADER_BYTES
    (path / SEGMENT).write_bytes(before + group(1, b"x"))
    disk = RecordingDisk()
    open_store(path, disk=disk).close()
    assert ("truncate", SEGMENT) not in disk.operations, "the MARK brought no room along"
    (path / SEGMENT).write_bytes(wal.path_of(path, 1).read_bytes() + bytes(5000))
    open_store(path).close()
    assert size_of(path) == len(before + group(1, b"x")) + 24, "a MARK, and no room"


def test_a_segment_gives_its_room_back_before_the_next_one_is_begun(path: Path) -> None:
    veristore.open(path).close()
    disk = RecordingDisk()
    with open_store(path, disk=disk) as store:
        store.put(b"k", b"v")
        store.checkpoint()
        assert not (path / SEGMENT).exists()
    done = disk.operations
    cut = index_of(done, "truncate", SEGMENT)
    assert done[cut + 1] == ("fdatasync", SEGMENT)
    assert cut + 1 < index_of(done, "create", "log-0000000002.tmp")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_without_room_for_room_records_are_written_alone(path: Path, number: int) -> None:
    disk = NarrowDisk(10_000, number)
    with open_store(path, disk=disk) as store:
        for turn in range(20):
            store.put(b"%d" % turn, b"v" * 100)
        assert disk.refused == 1, "asked for once in a segment"
        assert size_of(path) == 10_000, "what the failed write got is used as room"
        store.checkpoint()
        store.put(b"next", b"segment")
        assert disk.refused == 2
    assert size_of(path, 2) == store.stats().log_bytes
    with veristore.open(path, recovery="absolute-consistency") as store:
        assert len(store) == 21


def test_a_disk_that_is_really_full_still_says_so(path: Path) -> None:
    disk = NarrowDisk(1000)
    store = open_store(path, disk=disk)
    acknowledged = 0

    def fill() -> None:
        nonlocal acknowledged
        while True:
            store.put(b"%d" % acknowledged, b"v" * 100)
            acknowledged += 1

    with pytest.raises(DiskFull, match="Free some space"):
        fill()
    assert size_of(path) == store.stats().log_bytes, "nothing stays of what was not acknowledged"
    store.close()
    assert size_of(path) == store.stats().log_bytes
    with veristore.open(path, recovery="absolute-consistency") as store:
        assert len(store) == acknowledged > 3


def test_a_reservation_that_fails_otherwise_is_a_failed_write(path: Path) -> None:
    store = open_store(path, disk=NarrowDisk(10_000, errno.EIO))
    with pytest.raises(StoreFailed, match="reopen"):
        store.put(b"k", b"v")
    store.close()
    assert size_of(path) == HEADER_BYTES


def test_after_a_failed_sync_close_does_not_make_the_file_longer(path: Path) -> None:
    disk = FailingDisk("fdatasync")
    store = open_store(path, disk=disk, durability=veristore.Interval(writes=2))
    store.put(b"a", b"")
    store.put(b"b", b"")
    durable = store.stats().log_bytes
    store.put(b"c", b"never durable")
    disk.armed = True
    with pytest.raises(StoreFailed):
        store.put(b"d", b"")
    disk.armed = False
    store.close()
    assert size_of(path) == durable


def test_a_close_that_cannot_give_the_room_back_is_a_close_all_the_same(path: Path) -> None:
    disk = FailingDisk("truncate")
    store = open_store(path, disk=disk)
    store.put(b"k", b"v")
    disk.armed = True
    store.close()
    assert disk.failures == 1
    assert size_of(path) > store.stats().log_bytes
    with veristore.open(path, recovery="absolute-consistency") as store:
        recovery = store.stats().recovery
        assert (recovery.after_crash, recovery.torn_bytes) == (False, 0), "its MARK is there"
        assert store.get(b"k") == b"v"


# ---------------------------------------------------------------------------- recovery


@pytest.mark.parametrize("mode", list(RecoveryMode))
@pytest.mark.parametrize("zeros", [1, 23, 24, 4096, 4097, 300_000])
def test_room_is_neither_torn_nor_damage_in_any_mode(
    folder: Path, zeros: int, mode: RecoveryMode
) -> None:
    records = group(1, b"x") + group(2, b"y", b"")
    path = store_with(folder, records + bytes(zeros))
    with veristore.open(path, recovery=mode) as store:
        recovery = store.stats().recovery
        assert (recovery.torn_bytes, recovery.damage, recovery.records) == (0, (), 3)
        assert size_of(path) == HEADER_BYTES + len(records) + zeros, "the log goes on in it"
        assert store.stats().log_bytes == HEADER_BYTES + len(records)
        store.put(b"next", b"")
    assert size_of(path) == store.stats().log_bytes, "given back"
    with veristore.open(path, recovery=mode) as store:
        assert len(store) == 4


@pytest.mark.parametrize("zeros", [1, 5000])
def test_a_torn_record_before_room_is_torn_up_to_its_last_byte(folder: Path, zeros: int) -> None:
    torn = group(2, b"torn")[:-2]
    path = store_with(folder, group(1, b"x") + torn + bytes(zeros))
    with pytest.raises(StoreCorrupt, match=f"torn tail of {len(torn)} bytes"):
        veristore.open(path, recovery="absolute-consistency")
    with veristore.open(path) as store:
        assert store.stats().recovery.torn_bytes == len(torn)
        assert size_of(path) == HEADER_BYTES + len(group(1, b"x"))


def test_zeros_before_a_later_group_are_damage(folder: Path) -> None:
    lost = group(2, b"lost" * 300)
    mark = group(3, bytes(900))  # its value ends with zeros, as room does
    path = store_with(folder, group(1, b"x") + bytes(len(lost)) + mark + bytes(4096))
    with pytest.raises(StoreCorrupt, match="good records follow"):
        veristore.open(path, recovery="tolerate-corrupted-tail")
    report = veristore.recover_report(path)
    assert report["skip-any-corrupted"].lost_lsns == "2"
    assert (report.segments[0].reserved_bytes, report.segments[0].records) == (4096, 2)


def test_an_older_segment_may_have_room_when_its_successor_goes_on(folder: Path) -> None:
    path = store_with(folder, group(1, b"x", b"y") + bytes(4096))
    wal.create_segment(RealDisk(), path, 2, 3).append(group(3, b"z", epoch=2))
    report = veristore.recover_report(path)
    assert [(one.refusal, one.keys, one.damage) for one in report.modes] == [("", 3, ())] * 4
    assert [one.reserved_bytes for one in report.segments] == [4096, 0]
    with veristore.open(path, recovery="absolute-consistency") as store:
        assert len(store) == 3


def test_an_older_segment_with_room_is_damaged_when_records_are_missing(folder: Path) -> None:
    path = store_with(folder, group(1, b"x", b"y") + bytes(4096))
    wal.create_segment(RealDisk(), path, 2, 5).append(group(5, b"z", epoch=2))
    report = veristore.recover_report(path)
    assert "later segment" in report["tolerate-corrupted-tail"].refusal
    (damage,) = report["skip-any-corrupted"].damage
    assert (damage.segment, damage.first_lost_lsn, damage.last_lost_lsn) == (SEGMENT, 3, 4)


def test_the_end_of_what_is_written_is_found_wherever_it_is() -> None:
    for size in (0, 1, 4095, 4096, 4097, 20_000):
        for zeros in (0, 1, 4096, 4097, 9000):
            data = b"\0" * 100 + b"x" * size + bytes(zeros)
            assert written_end(data) == (100 + size if size else 0)
    assert written_end(bytes(5000), 4000) == 4000


class PlainLog(Log):
    """As on a disk that never has room to spare."""

    def _room_behind(self, end: int) -> int:
        return 0


class PlainStore(Store):
    log_type = PlainLog


@pytest.mark.parametrize("workload", ["puts", "checkpoints"])
def test_without_any_room_every_promise_holds_too(workload: str) -> None:
    frame = sim.crash_sweep(workload, exhaustive=True, engine=sim.engine_of(store_type=PlainStore))
    assert set(frame["violation"]) == {""}
    assert "garbage" in set(frame["policy"])


# --------------------------------------------------------------------------- looking at it


def test_a_store_in_use_shows_its_room_as_such(path: Path) -> None:
    with veristore.open(path) as store:
        store.put(b"k", b"v")
        used = store.stats().log_bytes
        report = veristore.recover_report(path)
        assert report.is_sound
        assert [(one.refusal, one.torn_bytes) for one in report.modes] == [("", 0)] * 4
        (segment,) = report.segments
        assert segment.reserved_bytes == segment.size_bytes - used > 0
        assert segment.problem == ""
        frame = log_anatomy(path)
        room = frame.iloc[-1]
        assert (room["name"], room["raw"], room["size_bytes"]) == (
            "reserved",
            "",
            segment.reserved_bytes,
        )
        figure = viz.log_strip(frame)
        title = figure.layout.title.text.replace("<br>", " ")
        assert f"and {segment.reserved_bytes:,} of reserved room" in title
        assert sum(bool(cell) for row in figure.data[0].text for cell in row) == used


def test_room_costs_no_operation_of_its_own(path: Path) -> None:
    """It comes with the write that makes the file longer."""
    veristore.open(path).close()
    disk = RecordingDisk()
    with open_store(path, disk=disk) as store:
        before = len(disk.operations)
        for number in range(50):
            store.put(b"%d" % number, b"")
        assert disk.operations[before:] == [("pwrite", SEGMENT), ("fdatasync", SEGMENT)] * 50
