"""The store as its users see it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import veristack_lab.veristore as veristore
from tests.faulty_disk import RecordingDisk, index_of
from veristack_lab.errors import (
    InvalidInput,
    KeyTooLarge,
    NotAStore,
    StoreClosed,
    StoreCorrupt,
    StoreLocked,
    ValueTooLarge,
)
from veristack_lab.veristore import Batch
from veristack_lab.veristore.kv import open_store
from veristack_lab.veristore.recovery.damage import RecoveryMode
from veristack_lab.veristore.wal.segment import SegmentHeader

AWKWARD = {
    b"empty": b"",
    b"nul\x00in\x00key": b"\x00\x00",
    b"newline\n": b"a\nb\tc d\r\n",
    b"\xff\xfe": bytes(range(256)),
    b"k" * 65_536: b"longest key",
}


@pytest.fixture
def path(folder: Path) -> Path:
    return folder / "store"


def test_what_was_put_is_there_after_reopening(path: Path) -> None:
    with veristore.open(path) as store:
        lsns = [store.put(key, value) for key, value in AWKWARD.items()]
        assert lsns == sorted(set(lsns))
    with veristore.open(path) as store:
        assert dict(store.scan()) == AWKWARD
        assert store.put(b"more", b"") > lsns[-1]


@pytest.mark.parametrize("checkpointed", [False, True])
def test_a_value_of_64_mib_survives_log_and_snapshot(path: Path, checkpointed: bool) -> None:
    value = os.urandom(1024) * (64 * 1024)
    with veristore.open(path) as store:
        store.put(b"large", value)
        if checkpointed:
            store.checkpoint()
    with veristore.open(path) as store:
        assert store.get(b"large") == value
        assert store.stats().recovery.torn_bytes == 0


def test_limits_of_keys_and_values(path: Path) -> None:
    with veristore.open(path) as store:
        for key in (b"", b"k" * 65_537):
            with pytest.raises(KeyTooLarge, match="65,536"):
                store.put(key, b"")
            with pytest.raises(KeyTooLarge):
                store.delete(key)
        with pytest.raises(ValueTooLarge, match="object store"):
            store.put(b"k", bytes(64 * 1024 * 1024 + 1))
        with pytest.raises(InvalidInput, match="bytes, not str"):
            store.put("text", b"")  # type: ignore[arg-type]
        with pytest.raises(InvalidInput, match="bytes, not str"):
            store.get("text")  # type: ignore[arg-type]
        with pytest.raises(InvalidInput, match="empty"):
            store.write(Batch())
        half = bytes(64 * 1024 * 1024 - 100)
        batch = Batch().put(b"a", half).put(b"b", half)
        with pytest.raises(ValueTooLarge, match="in parts"):
            batch.put(b"c", bytes(1000))
        assert len(store) == 0


def test_a_batch_is_one_record(path: Path) -> None:
    with veristore.open(path) as store:
        store.put(b"a", b"old")
        lsn = store.write(Batch().put(b"b", b"1").delete(b"a").put(b"b", b"2"))
        assert store.stats().last_lsn == lsn == 2
        assert list(store.scan()) == [(b"b", b"2")]
    with veristore.open(path) as store:
        assert list(store.scan()) == [(b"b", b"2")]


def test_scan_is_a_moment_of_the_store(path: Path) -> None:
    with veristore.open(path) as store:
        for number in range(200):
            store.put(b"k%03d" % number, b"%d" % number)
        pairs = store.scan(b"k1", start=b"k150", limit=3)
        store.delete(b"k151")
        assert [key for key, _ in pairs] == [b"k150", b"k151", b"k152"]
        assert [key for key, _ in store.scan(b"k15", limit=2)] == [b"k150", b"k152"]
        assert list(store.scan(b"k1", start=b"k2")) == []
        assert list(store.scan(limit=0)) == []
        with pytest.raises(InvalidInput, match="limit"):
            store.scan(limit=-1)


def test_checkpoint_drops_the_log_and_keeps_the_lsn(path: Path) -> None:
    with veristore.open(path) as store:
        for number in range(100):
            store.put(b"key", b"%d" % number)
        before = store.stats()
        assert store.checkpoint() == before.last_lsn
        after = store.stats()
        assert after.log_bytes < before.log_bytes
        assert (after.last_lsn, after.epoch) == (before.last_lsn, before.epoch + 1)
        assert store.checkpoint() == before.last_lsn, "nothing new: nothing to do"
        names = sorted(file.name for file in path.iterdir() if file.name != "LOCK")
        assert names == ["log-0000000002", f"snapshot-{before.last_lsn:020d}"]
    with veristore.open(path) as store:
        assert store.get(b"key") == b"99"
        assert store.put(b"key", b"100") > before.last_lsn


def test_writers_go_on_during_a_checkpoint(path: Path) -> None:
    with veristore.open(path) as store:
        stop = threading.Event()

        def write(writer: int) -> None:
            number = 0
            while not stop.is_set():
                store.put(b"%d" % writer, b"%d" % number)
                number += 1
            counts[writer] = number

        counts: dict[int, int] = {}
        threads = [threading.Thread(target=write, args=(w,)) for w in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(10):
            store.checkpoint()
        stop.set()
        for thread in threads:
            thread.join()
    with veristore.open(path) as store:
        assert dict(store.scan()) == {b"%d" % w: b"%d" % (n - 1) for w, n in counts.items()}


def test_the_second_opener_is_told_who_has_it(path: Path) -> None:
    with veristore.open(path):
        with pytest.raises(StoreLocked, match=f"process {os.getpid()}"):
            veristore.open(path)
        program = "import sys, veristack_lab.veristore as v; v.open(sys.argv[1])"
        other = subprocess.run(
            [sys.executable, "-c", program, path], capture_output=True, text=True, check=False
        )
        assert f"process {os.getpid()}" in other.stderr
    veristore.open(path).close()


def test_what_is_no_store_is_left_alone(folder: Path) -> None:
    file = folder / "file"
    file.write_text("mine")
    with pytest.raises(NotAStore, match="is a file"):
        veristore.open(file)
    with pytest.raises(NotAStore, match="'file'"):
        veristore.open(folder)
    assert list(folder.iterdir()) == [file]


def test_a_newer_version_is_refused(path: Path) -> None:
    veristore.open(path).close()
    segment = path / "log-0000000001"
    segment.write_bytes(SegmentHeader(1, 1, version=3).encode())
    for mode in RecoveryMode:
        with pytest.raises(NotAStore, match="version 3"):
            veristore.open(path, recovery=mode)


@pytest.mark.parametrize("position", [0, 8, 12, 16, 31])
def test_a_damaged_segment_header_is_refused(path: Path, position: int) -> None:
    veristore.open(path).close()
    segment = path / "log-0000000001"
    data = bytearray(segment.read_bytes())
    data[position] ^= 1
    segment.write_bytes(data)
    with pytest.raises(StoreCorrupt):
        veristore.open(path, recovery="tolerate-corrupted-tail")
    assert segment.read_bytes() == data


def test_a_closed_store_says_so(path: Path) -> None:
    store = veristore.open(path)
    store.close()
    store.close()
    for call in (
        lambda: store.get(b"k"),
        lambda: store.put(b"k", b""),
        lambda: store.scan(),
        lambda: store.checkpoint(),
    ):
        with pytest.raises(StoreClosed):
            call()
    assert "closed" in repr(store)


def test_looking_at_a_clean_store_writes_nothing(path: Path) -> None:
    with veristore.open(path) as store:
        store.put(b"k", b"v")
    before = (path / "log-0000000001").read_bytes()
    for _ in range(2):
        with veristore.open(path) as store:
            assert not store.stats().recovery.after_crash
    assert (path / "log-0000000001").read_bytes() == before


def test_files_are_durable_before_anything_counts_on_them(path: Path) -> None:
    disk = RecordingDisk()
    with open_store(path, disk=disk) as store:
        store.put(b"k", b"v")
        store.checkpoint()
    done, snapshot = disk.operations, f"snapshot-{1:020d}"
    for name in ("log-0000000001", "log-0000000002", snapshot):
        made = index_of(done, "create", name + ".tmp")
        synced = index_of(done[made:], "fdatasync", name + ".tmp") + made
        named = index_of(done, "rename", name)
        assert made < synced < named
        assert done[named + 1] == ("fsync_dir", path.name)
    assert done.index(("unlink", "log-0000000001")) > index_of(done, "rename", snapshot) + 1


def test_importing_the_package_loads_nothing_heavy() -> None:
    program = (
        "import sys, veristack_lab.veristore as v; v.Store; v.Batch;"
        "print([m for m in ('numba', 'pandas', 'plotly', 'httpx', 'uvicorn') if m in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"
