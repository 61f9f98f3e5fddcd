"""Looking at a store needs no right to write, no lock, and no writer that holds still."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import veristack_lab.veristore as veristore
from tests.forked import in_fork
from veristack_lab.cli import app
from veristack_lab.errors import (
    InvalidInput,
    NotAStore,
    StoreClosed,
    StoreCorrupt,
    StoreDamaged,
    StoreFailed,
    StoreReadOnly,
)
from veristack_lab.sim import SimDisk
from veristack_lab.veristore import Batch, ObjectStore, Store, recover_report
from veristack_lab.veristore.disk import RealDisk, RealFile
from veristack_lab.veristore.kv import open_store
from veristack_lab.veristore.recovery.looking import ATTEMPTS, look

LARGE = b"x" * 300_000
OTHER_USER = 65_534


@pytest.fixture
def locked_away() -> Iterator[Path]:
    """A store that is there for all to read, with an object in a file of its own."""
    with tempfile.TemporaryDirectory() as made:  # pytest's folders are closed to other users
        folder = Path(made)
        with veristore.open(folder / "s") as store:
            store.put(b"k", b"v")
            objects = ObjectStore(store)
            objects.create_bucket("b")
            objects.put("b", "large", LARGE)
            store.checkpoint()
            store.put(b"k2", b"v2")
        folder.chmod(0o755)
        paths = [folder / "s", *(folder / "s").rglob("*")]
        for path in paths:
            path.chmod(0o555 if path.is_dir() else 0o444)
        yield folder / "s"
        for path in paths:
            path.chmod(0o755)


def without_rights(work: Callable[[], object]) -> str:
    """Do it in a fork that may not write everywhere, as root may."""

    def dropped() -> object:
        if os.geteuid() == 0:
            os.setgid(OTHER_USER)
            os.setuid(OTHER_USER)
        return work()

    return in_fork(dropped)


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_everything_that_looks_works_without_the_right_to_write(locked_away: Path) -> None:
    before = files_of(locked_away)

    def read() -> str:
        with veristore.open(locked_away, read_only=True) as store, store.snapshot_view() as view:
            objects = ObjectStore(store)
            assert (store.get(b"k"), view.get(b"k2"), len(store)) == (
                b"v",
                b"v2",
                len(list(view.scan())),
            )
            assert (objects.get("b", "large"), len(objects.list("b"))) == (LARGE, 1)
            assert store.stats().durable_lsn == store.sync() == store.stats().last_lsn
            return repr(store)

    assert without_rights(read) == "<Store 's' read-only, 5 keys>"
    assert without_rights(lambda: recover_report(locked_away).is_sound) == "True"
    assert files_of(locked_away) == before


@pytest.mark.parametrize("command", ["verify", "dump", "get", "scan", "stats"])
def test_commands_that_look_work_without_the_right_to_write(
    locked_away: Path, command: str
) -> None:
    options = {"get": ["k", "--read-only"], "scan": ["--read-only"], "stats": ["--read-only"]}
    arguments = ["store", command, str(locked_away), *options.get(command, [])]

    def run() -> str:
        done = CliRunner().invoke(app, arguments)
        return f"{done.exit_code} {done.exception}"

    assert run() == "0 None", "and loads what another user may not be able to read"
    assert without_rights(run) == "0 None"


READ_ONLY_MOUNT = """
mount --bind "$1" "$2" && mount -o remount,bind,ro "$2" || exit 77
exec "$3" -c "
import sys
from veristack_lab import veristore
from veristack_lab.veristore import recover_report
assert recover_report(sys.argv[1]).is_sound
with veristore.open(sys.argv[1], read_only=True) as store:
    print(store.get(b'k'))
" "$2"
"""


def test_on_a_read_only_file_system(folder: Path) -> None:
    with veristore.open(folder / "s") as store:
        store.put(b"k", b"v")
    (folder / "mounted").mkdir()
    arguments = ["sh", str(folder / "s"), str(folder / "mounted"), sys.executable]
    try:
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", READ_ONLY_MOUNT, *arguments],
            capture_output=True,
            text=True,
        )
    except FileNotFoundError:
        pytest.skip("there is no unshare(1) here")
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip("this user may not mount a file system")
    assert (done.stdout, done.stderr) == ("b'v'\n", "")


WRITES: dict[str, Callable[[Store], object]] = {
    "put": lambda store: store.put(b"k", b"w"),
    "delete": lambda store: store.delete(b"k"),
    "write": lambda store: store.write(Batch().put(b"k", b"w")),
    "put_many": lambda store: store.put_many({b"k": b"w"}),
    "put_async": lambda store: store.put_async(b"k", b"w"),
    "checkpoint": lambda store: store.checkpoint(),
    "a bucket": lambda store: ObjectStore(store).create_bucket("c"),
    "an object in the log": lambda store: ObjectStore(store).put("b", "new", b"w"),
    "an object in a file": lambda store: ObjectStore(store).put("b", "new", LARGE),
    "delete of an object": lambda store: ObjectStore(store).delete("b", "large"),
    "an upload": lambda store: ObjectStore(store).start_upload("b", "new"),
    "collect_garbage": lambda store: ObjectStore(store).collect_garbage(),
}


@pytest.mark.parametrize("write", WRITES)
def test_every_write_is_refused_and_changes_nothing(folder: Path, write: str) -> None:
    with veristore.open(folder / "s") as store:
        store.put(b"k", b"v")
        objects = ObjectStore(store)
        objects.create_bucket("b")
        objects.put("b", "large", LARGE)
    (folder / "s" / "blobs" / ("0" * 32)).write_bytes(b"garbage")
    before = files_of(folder)
    with veristore.open(folder / "s", read_only=True) as store:
        with pytest.raises(StoreReadOnly, match="read_only"):
            WRITES[write](store)
        assert store.get(b"k") == b"v"
    with pytest.raises(StoreClosed):
        store.get(b"k")
    assert files_of(folder) == before


def test_what_is_no_store_is_not_made_one(folder: Path) -> None:
    (folder / "empty").mkdir()
    (folder / "file").write_bytes(b"")
    for name in ("absent", "empty", "file", "file/below"):
        with pytest.raises(NotAStore):
            veristore.open(folder / name, read_only=True)
    assert list((folder / "empty").iterdir()) == []
    assert not (folder / "absent").exists()


def test_a_torn_tail_and_damage_are_left_as_they_are(folder: Path) -> None:
    path = folder / "s"
    with veristore.open(path) as store:
        for number in range(20):
            store.put(b"%02d" % number, b"v" * 50)
    (segment,) = path.glob("log-*")
    whole = segment.read_bytes()
    segment.write_bytes(whole[:-40])
    with veristore.open(path, read_only=True) as store:
        assert len(store) == 19
        assert store.stats().recovery.torn_bytes > 0
    damaged = bytearray(whole)
    damaged[whole.index(b"05") + 20] ^= 1
    segment.write_bytes(damaged)
    with pytest.warns(StoreDamaged, match="nothing was repaired"):
        store = veristore.open(path, read_only=True)
    assert [key for key, _ in store.scan()] == [b"%02d" % number for number in range(5)]
    store.close()
    with pytest.raises(StoreCorrupt):
        veristore.open(path, read_only=True, recovery="absolute-consistency")
    assert segment.read_bytes() == damaged
    assert {file.name for file in path.iterdir()} == {"LOCK", segment.name}


def test_a_look_beside_a_writer_shows_a_prefix_of_its_writes(folder: Path) -> None:
    path, ended = folder / "s", threading.Event()
    acknowledged = [0]

    def write(store: Store) -> None:
        while not ended.is_set():
            store.put(b"%08d" % acknowledged[0], b"v" * 200)
            acknowledged[0] += 1
            if acknowledged[0] % 50 == 0:
                store.checkpoint()

    with veristore.open(path, segment_bytes=4096) as store:
        writer = threading.Thread(target=write, args=(store,))
        writer.start()
        try:
            for _ in range(20):
                before = acknowledged[0]
                with veristore.open(path, read_only=True) as seen:
                    keys = [key for key, _ in seen.scan()]
                assert keys == [b"%08d" % number for number in range(len(keys))]
                assert len(keys) >= before
                assert recover_report(path).is_sound
        finally:
            ended.set()
            writer.join()


class HalfWrittenDisk(RealDisk):
    """At the first look at a segment, one record is not whole yet, though later ones are."""

    def __init__(self) -> None:
        self.looks = 0

    def open(self, path: Path, *, create: bool = False) -> Any:
        file = super().open(path, create=create)
        return _HalfWrittenFile(self, file) if path.name.startswith("log-") else file


class _HalfWrittenFile:
    def __init__(self, disk: HalfWrittenDisk, file: RealFile) -> None:
        self._disk, self._file = disk, file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def read(self, offset: int, size_bytes: int) -> bytes:
        data = self._file.read(offset, size_bytes)
        at = data.find(b"half")
        if at < 0 or self._disk.looks:
            return data
        self._disk.looks += 1
        return data[:at] + b"\0\0" + data[at + 2 :]


@pytest.mark.parametrize("looking", ["open", "report"])
def test_a_record_that_was_half_written_is_no_damage(folder: Path, looking: str) -> None:
    with veristore.open(folder / "s") as store:
        for value in (b"first", b"half", b"last"):
            store.put(value, value)
    disk = HalfWrittenDisk()
    if looking == "report":
        assert recover_report(folder / "s", disk=disk).is_sound
    else:
        with open_store(folder / "s", disk=disk, read_only=True) as store:
            assert len(store) == 3
    assert disk.looks == 1


def test_what_was_seen_no_power_cut_takes_back() -> None:
    disk, path = SimDisk(), Path("/s")
    writer = open_store(path, disk=disk, durability="none")
    writer.put(b"k", b"v")
    assert writer.stats().durable_lsn == 0
    with open_store(path, disk=disk, read_only=True) as seen:
        assert seen.get(b"k") == b"v"
    for image in disk.images():
        with open_store(path, disk=disk.image(image.choice)) as store:
            assert store.get(b"k") == b"v"


def test_a_look_ends_though_the_store_never_holds_still(folder: Path) -> None:
    looks = []

    def other_fault() -> int:
        looks.append(0)
        return len(looks)

    with pytest.raises(StoreFailed, match="in use"):
        look(folder, other_fault, lambda seen: seen)
    assert len(looks) == ATTEMPTS
    assert look(folder, lambda: 7, lambda _: "the same twice") == 7
    gone = iter([FileNotFoundError(), StoreCorrupt("x"), FileNotFoundError(), StoreCorrupt("x")])

    def scripted() -> int:
        error = next(gone, None)
        if error is not None:
            raise error
        return 9

    assert look(folder, scripted, lambda _: "") == 9


def test_read_only_is_an_option_like_the_others(folder: Path) -> None:
    with veristore.open(folder / "s"):
        pass
    with pytest.raises(InvalidInput):
        veristore.open(folder / "s", read_only=True, recovery="no such mode")
    with warnings.catch_warnings(), veristore.open(folder / "s", read_only=True) as one:
        warnings.simplefilter("error")
        with veristore.open(folder / "s") as writer:  # no lock, shared or not, is in its way
            writer.put(b"k", b"v")
        assert one.get(b"k") is None, "it stays as it was when it was opened"
