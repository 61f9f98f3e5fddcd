"""Paths that cannot be opened: the error says what is the matter, and that nothing was lost."""

from __future__ import annotations

import errno
import os
import resource
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import veristack_lab.veristore as veristore
from tests.faulty_disk import FailingDisk
from tests.forked import in_fork
from veristack_lab.errors import (
    DiskFull,
    InvalidInput,
    NotAStore,
    StoreError,
    StoreFailed,
    StoreNotOpened,
    VeriStackError,
)
from veristack_lab.veristore import ObjectStore, recover_report
from veristack_lab.veristore.kv import open_store

OTHER_USER = 65_534


def below_a_file(folder: Path) -> object:
    (folder / "file").write_bytes(b"")
    return folder / "file" / "s"


def far_below_a_file(folder: Path) -> object:
    (folder / "file").write_bytes(b"")
    return folder / "file" / "a" / "b"


def a_file(folder: Path) -> object:
    (folder / "file").write_bytes(b"")
    return folder / "file"


def a_dangling_link(folder: Path) -> object:
    (folder / "link").symlink_to(folder / "nowhere")
    return folder / "link"


def below_a_dangling_link(folder: Path) -> object:
    (folder / "link").symlink_to(folder / "nowhere")
    return folder / "link" / "s"


def a_circle_of_links(folder: Path) -> object:
    (folder / "one").symlink_to(folder / "two")
    (folder / "two").symlink_to(folder / "one")
    return folder / "one"


def a_lock_that_is_a_folder(folder: Path) -> object:
    (folder / "s" / "LOCK").mkdir(parents=True)
    return folder / "s"


def a_segment_that_is_a_folder(folder: Path) -> object:
    with veristore.open(folder / "s"):
        pass
    (folder / "s" / "log-0000000002").mkdir()
    return folder / "s"


PATHS: list[tuple[Callable[[Path], Any], type[VeriStackError], str]] = [
    (below_a_file, NotAStore, "file is a file"),
    (far_below_a_file, NotAStore, "file is a file"),
    (a_file, NotAStore, "is a file"),
    (a_dangling_link, NotAStore, "symbolic link to .*nowhere"),
    (below_a_dangling_link, NotAStore, "symbolic link to .*nowhere"),
    (a_circle_of_links, StoreError, "link"),
    (a_lock_that_is_a_folder, StoreNotOpened, "folder where the store has a file"),
    (a_segment_that_is_a_folder, StoreNotOpened, "folder where the store has a file"),
    (lambda folder: folder / ("n" * 300), StoreNotOpened, "longer than the file system allows"),
    (lambda folder: f"{folder}{'/n' * 4096}", StoreNotOpened, "longer than the file system"),
    (lambda folder: f"{folder}/a\0b", InvalidInput, "NUL"),
    (lambda folder: os.fsencode(folder / "s"), InvalidInput, "fsdecode"),
    (lambda _: "", InvalidInput, "empty"),
    (lambda _: None, InvalidInput, "not NoneType"),
    (lambda _: 7, InvalidInput, "not int"),
]


@pytest.mark.parametrize(("made", "error", "words"), PATHS)
def test_a_path_that_cannot_be_opened(
    folder: Path, made: Callable[[Path], Any], error: type[VeriStackError], words: str
) -> None:
    path = made(folder)
    before = sorted(folder.rglob("*"))
    with pytest.raises(error, match=words) as to_write:
        veristore.open(path)
    with pytest.raises((error, NotAStore)) as to_read:
        veristore.open(path, read_only=True)
    with pytest.raises((error, NotAStore)) as to_report:
        recover_report(path)
    for caught in (to_write, to_read, to_report):
        assert "this write" not in str(caught.value)
        assert "earlier write" not in str(caught.value)
    assert sorted(folder.rglob("*")) == before, "nothing was made"


def names_of_errors(*opens: Callable[[], object]) -> list[str]:
    names = []
    for opening in opens:
        try:
            opening()
            names.append("opened")
        except StoreError as error:
            about = [word for word in ("permission", "acknowledged") if word in str(error)]
            names.append(" ".join([type(error).__name__, *about]))
    return names


@pytest.mark.parametrize("closed", ["the folder", "its parent", "a file", "the blobs"])
def test_no_permission(closed: str) -> None:
    with tempfile.TemporaryDirectory() as made:
        parent = Path(made) / "parent"
        parent.mkdir()
        path = parent / "s"
        with veristore.open(path) as store:
            store.put(b"k", b"v")
            objects = ObjectStore(store)
            objects.create_bucket("b")
            objects.put("b", "k", b"x" * 300_000)
        for each in (Path(made), parent, path, *path.rglob("*")):
            each.chmod(0o777)
        target = {"the folder": path, "its parent": parent, "the blobs": path / "blobs"}.get(
            closed, next(path.glob("log-*"))
        )
        target.chmod(0)

        def look() -> list[str]:
            if os.geteuid() == 0:
                os.setgid(OTHER_USER)
                os.setuid(OTHER_USER)
            return names_of_errors(
                lambda: veristore.open(path).close(),
                lambda: veristore.open(path, read_only=True).close(),
                lambda: recover_report(path),
                lambda: ObjectStore(veristore.open(path)),
            )

        refused = "StoreNotOpened permission"
        expected = [refused] * 4 if closed != "the blobs" else ["opened"] * 3 + [refused]
        assert in_fork(look) == str(expected)
        target.chmod(0o700)


def test_too_many_open_files(folder: Path) -> None:
    with veristore.open(folder / "s") as store:
        store.put(b"k", b"v")

    def look() -> list[str]:
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
        return names_of_errors(
            lambda: veristore.open(folder / "s"),
            lambda: veristore.open(folder / "new"),
            lambda: veristore.open(folder / "s", read_only=True),
            lambda: recover_report(folder / "s"),
        )

    assert in_fork(look) == str(["StoreNotOpened"] * 4)
    assert not (folder / "new" / "LOCK").exists()


@pytest.mark.parametrize("operation", ["create", "pwrite", "fdatasync", "rename", "fsync_dir"])
@pytest.mark.parametrize(
    ("number", "error"),
    [(errno.ENOSPC, DiskFull), (errno.EDQUOT, DiskFull), (errno.EIO, StoreFailed)],
)
def test_a_disk_that_is_full_or_fails_while_a_store_is_made(
    folder: Path, operation: str, number: int, error: type[StoreError]
) -> None:
    disk = FailingDisk(operation, number)
    disk.armed = True
    with pytest.raises(error, match="opened") as caught:
        open_store(folder / "s", disk=disk)
    assert "this write" not in str(caught.value)
    assert disk.failures > 0
    disk.armed = False
    with open_store(folder / "s", disk=disk) as store:
        assert store.put(b"k", b"v") == 1
