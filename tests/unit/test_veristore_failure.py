"""A disk that fails stops the store; nothing acknowledged is lost."""

from __future__ import annotations

import errno
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import veristack_lab.veristore as veristore
from tests.faulty_disk import CutDisk, FailingDisk, PowerCut, WatchedDisk, quick_folder
from tests.waiting import PATIENCE_S
from veristack_lab.errors import DiskFull, NotAStore, StoreCorrupt, StoreDamaged, StoreFailed
from veristack_lab.veristore import Batch, ObjectStore
from veristack_lab.veristore.kv import Store, open_store
from veristack_lab.veristore.recovery.damage import RecoveryMode


@pytest.fixture
def path(folder: Path) -> Path:
    return folder / "store"


@pytest.mark.parametrize("operation", ["pwrite", "fdatasync"])
def test_a_failed_write_or_sync_is_the_end(path: Path, operation: str) -> None:
    disk = FailingDisk(operation)
    store = open_store(path, disk=disk)
    store.put(b"before", b"1")
    disk.armed = True
    with pytest.raises(StoreFailed, match="reopen"):
        store.put(b"during", b"2")
    disk.armed = False
    with pytest.raises(StoreFailed, match="earlier"):
        store.put(b"after", b"3")
    with pytest.raises(StoreFailed):
        store.checkpoint()
    assert disk.failures == 1, "a failed sync is never tried again"
    assert store.get(b"before") == b"1"
    assert store.get(b"during") is None, "readers see only what is durable"
    store.close()
    with veristore.open(path) as store:
        assert dict(store.scan()) == {b"before": b"1"}
        store.put(b"after", b"3")
    with veristore.open(path) as store:
        assert dict(store.scan()) == {b"before": b"1", b"after": b"3"}


def test_a_full_disk_has_an_error_of_its_own(path: Path) -> None:
    disk = FailingDisk("pwrite", errno.ENOSPC)
    store = open_store(path, disk=disk)
    store.put(b"before", b"1")
    disk.armed = True
    with pytest.raises(DiskFull, match="Free some space"):
        store.put(b"during", b"2")
    disk.armed = False
    store.close()
    with veristore.open(path) as store:
        assert store.put(b"after", b"3") > 1
        assert store.get(b"before") == b"1"


def test_every_writer_of_a_failed_group_is_told(path: Path) -> None:
    disk = FailingDisk("fdatasync")
    store = open_store(path, disk=disk)
    acknowledged, refused = [], []

    def write(writer: int) -> None:
        for number in range(1000):
            key = b"%d/%d" % (writer, number)
            try:
                store.put(key, b"")
            except StoreFailed:
                refused.append(writer)
                return
            acknowledged.append(key)
            if len(acknowledged) >= 200:
                disk.armed = True

    threads = [threading.Thread(target=write, args=(w,)) for w in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert sorted(refused) == list(range(16))
    disk.armed = False
    store.close()
    with veristore.open(path) as store:
        assert {key for key, _ in store.scan()} == set(acknowledged)


def test_a_rotation_without_room_stops_the_store(path: Path) -> None:
    disk = FailingDisk("create", errno.ENOSPC)
    with open_store(path, disk=disk) as store:
        store.put(b"k", b"1")
        disk.armed = True
        with pytest.raises(DiskFull):
            store.checkpoint()
        disk.armed = False
        with pytest.raises(StoreFailed, match="checkpoint"):
            store.put(b"k", b"2")
    with veristore.open(path) as store:
        assert store.get(b"k") == b"1"
        store.checkpoint()


def test_a_snapshot_without_room_leaves_the_log_in_charge(path: Path) -> None:
    full = False

    def watch(operation: str, name: str) -> None:
        if full and name.startswith("snapshot"):
            raise OSError(errno.ENOSPC, "no space", name)

    with open_store(path, disk=WatchedDisk(watch)) as store:
        store.put(b"k", b"1")
        full = True
        with pytest.raises(DiskFull):
            store.checkpoint()
        assert store.put(b"k", b"2") == 2, "the store goes on"
        full = False
    with veristore.open(path) as store:
        assert store.get(b"k") == b"2"
        assert store.checkpoint() == 3
    with veristore.open(path) as store:
        assert store.get(b"k") == b"2"


Model = dict[bytes, bytes]


def _workload(store: Store, states: list[Model]) -> None:
    """Changes one after the other; `states` gets each state before it is acknowledged."""
    state: Model = {}
    for number in range(6):
        state = {**state, b"k%d" % (number % 4): b"%d" % number * 50}
        states.append(state)
        store.put(b"k%d" % (number % 4), b"%d" % number * 50)
        if number in (2, 4):
            store.checkpoint()
    state = {key: value for key, value in state.items() if key != b"k0"} | {b"b": b"batch"}
    states.append(state)
    store.write(Batch().delete(b"k0").put(b"b", b"batch"))
    store.checkpoint()


@pytest.fixture
def quick() -> Iterator[Path]:
    with quick_folder() as found:
        yield found


def test_a_cut_at_every_step_recovers_and_recovers_again(quick: Path) -> None:
    points = 0
    for at in range(1, 1000):
        place, states = quick / f"store-{at}", [{}]
        disk = CutDisk(at)
        try:
            store = open_store(place, disk=disk)
            _workload(store, states)
            store.close()
        except PowerCut:
            points += 1
        else:
            break
        finally:
            disk.die()
        _cut_recovery_everywhere(place, states)
    assert points > 60, "the workload has that many steps on the disk"


def _cut_recovery_everywhere(place: Path, states: list[Model]) -> None:
    """Recovery is cut at each of its own steps, and then left to finish."""
    for at in range(1, 100):
        disk = CutDisk(at)
        try:
            with open_store(place, disk=disk) as store:
                found = dict(store.scan())
        except PowerCut:
            continue
        finally:
            disk.die()
        allowed = states[-2:] if len(states) > 1 else states
        assert found in allowed
        with veristore.open(place) as store:
            assert dict(store.scan()) == found
        return
    raise AssertionError("recovery did not come to an end")


def test_an_object_cut_at_every_step_is_the_old_or_the_new_one(quick: Path) -> None:
    old, new = b"o" * 25, b"n" * 35
    points = 0
    for at in range(1, 1000):
        place = quick / f"store-{at}"
        with veristore.open(place) as store:
            objects = ObjectStore(store, chunk_bytes=10)
            objects.create_bucket("b")
            objects.put("b", "k", old)
        disk, acknowledged = CutDisk(at), False
        try:
            with open_store(place, disk=disk) as store:
                ObjectStore(store, chunk_bytes=10).put("b", "k", new)
                acknowledged = True
        except PowerCut:
            points += 1
        else:
            break
        finally:
            disk.die()
        with veristore.open(place) as store:
            objects = ObjectStore(store, chunk_bytes=10)
            found = objects.get("b", "k")
            assert found == new if acknowledged else found in (old, new)
            assert len(list((place / "blobs").iterdir())) == 1, "no orphan survives opening"
    assert points >= 10


def test_a_missing_segment_is_noticed(path: Path) -> None:
    with veristore.open(path) as store:
        store.put(b"k", b"v")
        store.checkpoint()
    (path / "log-0000000002").unlink()
    with pytest.raises(StoreCorrupt, match=r"log-0000000002 .* missing"):
        veristore.open(path, recovery="tolerate-corrupted-tail")
    with pytest.warns(StoreDamaged, match=r"log-0000000002 .* missing"):
        store = veristore.open(path)
    with store:
        assert dict(store.scan()) == {b"k": b"v"}
        (damage,) = store.stats().recovery.damage
        assert (damage.first_lost_lsn, damage.lost_records) == (2, 0), "none is known to be lost"


def test_a_folder_of_foreign_files_under_our_names_is_left_alone(path: Path) -> None:
    path.mkdir()
    (path / "log-0000000003").write_bytes(b"2026-01-01 the service started")
    for mode in RecoveryMode:
        with pytest.raises(NotAStore):
            veristore.open(path, recovery=mode)
    assert (path / "log-0000000003").read_bytes() == b"2026-01-01 the service started"
