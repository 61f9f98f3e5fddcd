"""Lines of the store that seldom matter, each with the one situation in which it does."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest

import veristack_lab.veristore as veristore
from tests.faulty_disk import WatchedDisk
from veristack_lab.errors import StoreFailed
from veristack_lab.veristore import ObjectStore
from veristack_lab.veristore.kv import open_store
from veristack_lab.veristore.memtable.versions import Versions

LARGE = bytes(range(256)) * 1200


@pytest.mark.parametrize("at_once_bytes", [1, 1000])
def test_a_short_write_goes_on_where_it_stopped(
    folder: Path, monkeypatch: pytest.MonkeyPatch, at_once_bytes: int
) -> None:
    whole = os.pwrite
    value = LARGE[: 3 * at_once_bytes + 1]
    with veristore.open(folder / "s") as store:
        monkeypatch.setattr(os, "pwrite", lambda fd, data, at: whole(fd, data[:at_once_bytes], at))
        store.put(b"k", value)
        store.put_many({b"a": value, b"b": b""})
        store.checkpoint()
        if at_once_bytes > 1:
            objects = ObjectStore(store)
            objects.create_bucket("b")
            objects.put("b", "large", LARGE)
            assert objects.get("b", "large") == LARGE
        store.put(b"last", value)
    monkeypatch.undo()
    with veristore.open(folder / "s") as store:
        assert (store.get(b"k"), store.get(b"a"), store.get(b"last")) == (value, value, value)
        assert store.stats().recovery.damage == ()
        assert not store.stats().recovery.after_crash
        if at_once_bytes > 1:
            assert ObjectStore(store).get("b", "large") == LARGE


def test_a_disk_that_takes_no_more_bytes_is_no_endless_loop(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = veristore.open(folder / "s")
    store.put(b"k", b"v")
    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", lambda _fd, _data, _at: 0)
        with pytest.raises(StoreFailed, match="takes no more bytes"):
            store.put(b"k", b"w")
    store.close()
    with veristore.open(folder / "s") as store:
        assert store.get(b"k") == b"v"


def test_a_checkpoint_that_found_no_room_is_tried_again_only_when_the_log_has_grown(
    folder: Path,
) -> None:
    attempts = []

    def watch(operation: str, name: str) -> None:
        if operation == "create" and name.startswith("snapshot"):
            attempts.append(name)
            raise OSError(errno.ENOSPC, "no room", name)

    with open_store(folder / "s", disk=WatchedDisk(watch), checkpoint_bytes=5000) as store:
        checkpoints = store._checkpoints
        while not checkpoints.failure:
            store.put(b"k", bytes(500))
            threading.Event().wait(0.001)
        # Let the thread end what it was asked for before the failure, then ask in its place.
        checkpoints._background.stop()
        failed, grown = len(attempts), checkpoints.log_bytes
        while checkpoints.log_bytes < grown + 4000:
            store.put(b"k", bytes(500))
            checkpoints._in_background()
        assert len(attempts) == failed, "not once a write"
        while checkpoints.log_bytes < grown + 10_500:
            store.put(b"k", bytes(500))
            checkpoints._in_background()
        assert failed < len(attempts) <= failed + 2


def test_a_checkpoint_drops_what_only_closed_views_needed_though_an_older_one_is_open(
    folder: Path,
) -> None:
    with veristore.open(folder / "s") as store:
        store.put(b"k", b"1")
        oldest = store.snapshot_view()
        store.put(b"k", b"2")
        between = store.snapshot_view()
        store.put(b"k", b"3")
        newest = store.snapshot_view()
        store.put(b"k", b"4")
        assert store.stats().superseded == 3
        between.close()
        store.checkpoint()
        assert store.stats().superseded == 2
        assert (oldest.get(b"k"), newest.get(b"k"), store.get(b"k")) == (b"1", b"3", b"4")
        oldest.close()
        assert store.stats().superseded == 1, "the oldest takes its own along"
        assert newest.get(b"k") == b"3"
        newest.close()
        assert store.stats().superseded == 0


def test_versions_keep_exactly_what_each_reader_needs() -> None:
    versions = Versions()
    for lsn in (10, 20, 30):
        versions.open(lsn)
        current = {b"k": b"as of %d" % lsn}
        versions.keep(lsn + 1, [(b"k", b"new")], current.get)
    versions.prune()
    assert versions.count == 3
    versions.close(20)
    versions.prune()
    assert versions.count == 2
    assert [versions.value_at(lsn, b"k", b"now") for lsn in (10, 30)] == [b"as of 10", b"as of 30"]
    assert versions.value_at(31, b"k", b"now") == b"now"
