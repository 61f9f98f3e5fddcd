"""Segments and checkpoints: by policy, beside the writers, and when the disk fails."""

from __future__ import annotations

import errno
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import veristack_lab.veristore as veristore
from tests.faulty_disk import (
    CutDisk,
    FailingDisk,
    PowerCut,
    RecordingDisk,
    WatchedDisk,
    index_of,
    quick_folder,
)
from tests.waiting import wait_until
from veristack_lab.errors import DiskFull, InvalidInput, KeyTooLarge, StoreFailed, ValueTooLarge
from veristack_lab.veristore import Store
from veristack_lab.veristore.kv import open_store


@pytest.fixture
def path(folder: Path) -> Path:
    return folder / "store"


@pytest.fixture
def quick() -> Iterator[Path]:
    with quick_folder() as found:
        yield found


def names(path: Path, kind: str) -> list[str]:
    return sorted(found.name for found in path.glob(f"{kind}-*"))


def fill(store: Store, count: int, size_bytes: int = 100) -> dict[bytes, bytes]:
    pairs = {}
    for number in range(count):
        key, value = b"%05d" % number, bytes([number % 256]) * size_bytes
        store.put(key, value)
        pairs[key] = value
    return pairs


def test_the_log_goes_on_in_a_new_segment_when_one_is_long_enough(path: Path) -> None:
    disk = RecordingDisk()
    with open_store(path, segment_bytes=1000, disk=disk) as store:
        pairs = fill(store, 50)
        assert store.stats().log_bytes_since_snapshot > 50 * 100
        long = [store.put(b"long", bytes(5000)), store.put(b"after", b"")]
        assert long == [51, 52], "a record may be longer than a segment"
    assert len(names(path, "log")) >= 7
    for found in path.glob("log-*"):
        assert found.stat().st_size < 1000 + 5000 + 100
    done = disk.operations
    for name in names(path, "log")[1:]:
        made, named = index_of(done, "create", name + ".tmp"), index_of(done, "rename", name)
        assert ("fdatasync", name + ".tmp") in done[made:named]
        assert done[named + 1] == ("fsync_dir", path.name), "before anything in it counts"
    with veristore.open(path, segment_bytes=1000) as store:
        assert dict(store.scan()) == {**pairs, b"long": bytes(5000), b"after": b""}
        store.checkpoint()
        assert len(names(path, "log")) == 1


@pytest.mark.parametrize("operation", ["create", "fdatasync", "rename", "fsync_dir"])
def test_a_segment_that_cannot_be_begun_is_the_end_and_loses_nothing(
    path: Path, operation: str
) -> None:
    disk = FailingDisk(operation, errno.ENOSPC)
    store = open_store(path, disk=disk, segment_bytes=500, durability="none")
    pairs = fill(store, 4)
    disk.armed = True
    with pytest.raises(DiskFull, match="Free some space"):
        fill(store, 1000)
    disk.armed = False
    with pytest.raises(StoreFailed, match="earlier write"):
        store.put(b"k", b"v")
    seen = dict(store.scan())
    store.close()
    with veristore.open(path) as store:
        found = dict(store.scan())
        # A failed sync takes back all that waited for it; the other steps come after it.
        assert found == ({} if operation == "fdatasync" else seen)
        assert operation == "fdatasync" or found.items() >= pairs.items()
        store.put(b"k", b"v")
    with veristore.open(path) as store:
        assert store.get(b"k") == b"v"


def test_rotations_and_batches_cut_at_every_step(quick: Path) -> None:
    """Power is cut before each operation on the disk, with several segments in use.

    Recovery in its default mode would repair damage with a warning, which is an error here.
    """
    points = 0
    for at in range(1, 1000):
        place, disk = quick / f"store-{at}", CutDisk(at)
        states: list[dict[bytes, bytes]] = [{}]
        try:
            with open_store(place, disk=disk, segment_bytes=200, checkpoint_bytes=None) as store:
                for number in range(4):
                    pairs = {b"%d/%d" % (number % 3, n): b"%d" % number * 9 for n in range(6)}
                    states.append({**states[-1], **pairs})
                    store.put_many(pairs)
                    states.append({**states[-1], b"one": b"%d" % number})
                    store.put(b"one", b"%d" % number)
        except PowerCut:
            points += 1
        else:
            break
        finally:
            disk.die()
        with veristore.open(place) as store:
            assert dict(store.scan()) in states[-2:]
    assert points > 30, "the workload has that many steps on the disk"


def test_a_checkpoint_comes_by_itself_when_the_log_is_long(path: Path) -> None:
    with veristore.open(path, segment_bytes=2000, checkpoint_bytes=10_000) as store:
        pairs = fill(store, 500)
        wait_until(lambda: store.stats().checkpoints > 0, "no checkpoint came")
        assert store.stats().checkpoint_failure == ""
        wait_until(lambda: store.stats().log_bytes_since_snapshot < 20_000, "the log stayed long")
        assert dict(store.scan()) == pairs
    assert len(names(path, "snapshot")) == 1
    assert names(path, "log")[0] > "log-0000000002"
    with veristore.open(path) as store:
        assert dict(store.scan()) == pairs
        assert store.stats().recovery.snapshot_lsn > 0


def test_what_recovery_read_counts_as_log(path: Path) -> None:
    with veristore.open(path) as store:
        fill(store, 100)
    with veristore.open(path, checkpoint_bytes=10_000) as store:
        assert store.stats().log_bytes_since_snapshot > 10_000
        store.put(b"k", b"v")
        wait_until(lambda: store.stats().checkpoints == 1, "no checkpoint came")
        store.put(b"k", b"w")
        assert store.stats().log_bytes_since_snapshot < 1000


def test_none_means_never(path: Path) -> None:
    with veristore.open(path, segment_bytes=500, checkpoint_bytes=None) as store:
        fill(store, 100)
        assert store.stats().checkpoints == 0
        assert "veristore-checkpoint" not in {t.name for t in threading.enumerate()}


def test_writers_do_not_wait_for_the_snapshot_to_be_written(path: Path) -> None:
    """The snapshot is held up in the middle; puts return meanwhile, and views stay right."""
    held, go_on = threading.Event(), threading.Event()

    def watch(operation: str, name: str) -> None:
        if operation == "pwrite" and name.startswith("snapshot"):
            held.set()
            go_on.wait()

    with open_store(path, disk=WatchedDisk(watch), checkpoint_bytes=5000) as store:
        pairs = fill(store, 60)
        held.wait()
        lsn = store.stats().last_lsn
        for key in pairs:
            store.put(key, b"new")
        assert store.delete(b"00001") == lsn + len(pairs) + 1
        assert store.stats().superseded > 0, "kept for the snapshot"
        go_on.set()
        wait_until(lambda: store.stats().open_views == 0, "the snapshot was not finished")
        assert store.stats().superseded == 0
    with veristore.open(path) as store:
        assert dict(store.scan()) == {key: b"new" for key in pairs if key != b"00001"}


def failing_snapshots(number: int) -> tuple[WatchedDisk, threading.Event]:
    full = threading.Event()

    def watch(operation: str, name: str) -> None:
        if full.is_set() and name.startswith("snapshot"):
            raise OSError(number, "as told", name)

    return WatchedDisk(watch), full


def test_a_full_disk_in_the_background_leaves_a_longer_log(path: Path) -> None:
    disk, full = failing_snapshots(errno.ENOSPC)
    full.set()
    with open_store(path, disk=disk, checkpoint_bytes=5000) as store:
        pairs = fill(store, 60)
        wait_until(lambda: store.stats().checkpoint_failure != "", "a checkpoint is tried")
        assert "no room" in store.stats().checkpoint_failure
        pairs |= {b"more": b"v"}
        store.put(b"more", b"v")
        full.clear()
        pairs |= fill(store, 200)
        wait_until(lambda: store.stats().checkpoints > 0, "not tried again when the log had grown")
        assert store.stats().checkpoint_failure == ""
    with veristore.open(path) as store:
        assert dict(store.scan()) == pairs


def test_a_failing_disk_in_the_background_is_the_end(path: Path) -> None:
    disk, full = failing_snapshots(errno.EIO)
    full.set()
    store = open_store(path, disk=disk, checkpoint_bytes=5000)
    with pytest.raises(StoreFailed, match="earlier checkpoint"):
        fill(store, 100_000)
    assert store.get(b"00000") == bytes(100), "reads still answer"
    assert "failed" in repr(store)
    store.close()
    full.clear()
    with veristore.open(path) as store:
        assert store.get(b"00000") == bytes(100)


def test_a_defect_in_the_background_is_the_end_too(path: Path) -> None:
    def watch(operation: str, name: str) -> None:
        if name.startswith("snapshot"):
            raise RuntimeError("a defect")

    store = open_store(path, disk=WatchedDisk(watch), checkpoint_bytes=5000)
    with pytest.raises(StoreFailed, match="a defect"):
        fill(store, 100_000)
    assert "a defect" in store.stats().checkpoint_failure
    store.close()


def test_close_waits_for_the_checkpoint_and_leaves_no_thread(path: Path) -> None:
    store = veristore.open(path, checkpoint_bytes=2000)
    fill(store, 100)
    store.close()
    store.close()
    left = {thread.name for thread in threading.enumerate()}
    assert not {name for name in left if name.startswith("veristore")}
    assert not list(path.glob("*.tmp"))


def test_close_waits_for_a_checkpoint_of_another_thread(path: Path) -> None:
    """Else the next owner of the folder would meet its renames and removals."""
    held, go_on = threading.Event(), threading.Event()

    def watch(operation: str, name: str) -> None:
        if operation == "pwrite" and name.startswith("snapshot"):
            held.set()
            go_on.wait()

    store = open_store(path, disk=WatchedDisk(watch))
    pairs = fill(store, 10)
    checkpointing = threading.Thread(target=store.checkpoint)
    checkpointing.start()
    held.wait()
    store.put(b"00000", b"after the view")
    closing = threading.Thread(target=store.close)
    closing.start()
    closing.join(0.05)
    assert closing.is_alive()
    go_on.set()
    closing.join()
    checkpointing.join()
    with veristore.open(path) as store:
        assert store.stats().recovery.snapshot_lsn == 10
        assert dict(store.scan()) == {**pairs, b"00000": b"after the view"}


def test_put_many_is_one_record_and_takes_what_put_takes(path: Path) -> None:
    pairs = [(b"\x00\xff\n\t", bytes(range(256))), (b"b", b""), (b"b", b"last"), (b"c" * 99, b"1")]
    with veristore.open(path) as store:
        assert store.put_many(pairs) == 1
        assert store.put_many({b"d": b"2", b"e": b"3"}) == 2
        assert store.put_many(iter([(b"f", b"4")])) == 3
        wanted = {**dict(pairs), b"d": b"2", b"e": b"3", b"f": b"4"}
        assert dict(store.scan()) == wanted
        stats = store.stats()
        assert stats.data_bytes == sum(len(k) + len(v) for k, v in wanted.items())
        store.put_many([(b"d", b"longer"), (b"new", b"")])
        wanted |= {b"d": b"longer", b"new": b""}
        assert store.stats().data_bytes == sum(len(k) + len(v) for k, v in wanted.items())
    with veristore.open(path) as store:
        assert list(store.scan()) == sorted(wanted.items())


class Word(bytes):
    """Bytes with something of its own."""


def test_put_many_keeps_bytes_of_its_own(path: Path) -> None:
    """Neither the caller's list nor a subclass of bytes: only what can be read back."""
    odd: Any = [[Word(b"a"), b"1"], (b"b", Word(b"2")), (b"a", b"3"), iter([b"c", b"4"])]
    plain = [(b"d%d" % number, b"5") for number in range(20)]
    wanted = {b"a": b"3", b"b": b"2", b"c": b"4", **dict(plain)}
    with veristore.open(path) as store:
        store.put_many(odd)
        store.put_many(plain)
        plain.clear()
        assert dict(store.scan()) == wanted
        assert {type(part) for pair in store.scan() for part in pair} == {bytes}
    with veristore.open(path) as store:
        assert dict(store.scan()) == wanted


@pytest.mark.parametrize(
    ("pairs", "error"),
    [
        ([], InvalidInput),
        ([(b"k",)], InvalidInput),
        ([(b"k", b"v", b"w")], InvalidInput),
        ([b"kv", (b"k", b"v")], InvalidInput),
        ([("k", b"v")], InvalidInput),
        ([(b"k", bytearray(b"v"))], InvalidInput),
        ([(b"k", None)], InvalidInput),
        (7, InvalidInput),
        ([(b"k", b"v"), (b"", b"v")], KeyTooLarge),
        ([(b"k" * 65_537, b"v")], KeyTooLarge),
        ([(b"k", bytes(64 * 1024 * 1024 + 1))], ValueTooLarge),
        ([(b"%d" % n, bytes(60 * 1024 * 1024)) for n in range(3)], ValueTooLarge),
    ],
)
def test_what_put_many_refuses_writes_nothing(
    path: Path, pairs: Any, error: type[Exception]
) -> None:
    with veristore.open(path) as store:
        with pytest.raises(error):
            store.put_many(pairs)
        assert (store.stats().last_lsn, len(store)) == (0, 0)
