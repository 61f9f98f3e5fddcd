"""The disk that lab checks watch: what is durable, what a power cut may leave, what fails."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from veristack_lab.labs import faults
from veristack_lab.labs.checking import FirstBad
from veristack_lab.labs.faults import Fault, PowerCut, WatchedDisk


@pytest.fixture(autouse=True)
def stand_ins() -> Iterator[None]:
    """The stand-ins for this test alone; the audit hook stays, and does nothing without a disk."""
    before = {name: getattr(os, name) for name in faults.WATCHED}
    faults.install()
    for name in faults.WATCHED:
        setattr(os, name, faults._stand_in(name))
    yield
    for name, function in before.items():
        setattr(os, name, function)


@pytest.fixture
def path(folder: Path) -> Path:
    found = folder / "disk" / "log"
    found.parent.mkdir()
    found.write_bytes(b"old.")
    return found


def append(path: Path, data: bytes) -> int:
    fd = os.open(path, os.O_RDWR | os.O_APPEND)
    assert os.write(fd, data) == len(data)
    return fd


def test_what_is_written_is_durable_after_a_sync_and_not_before(path: Path) -> None:
    with WatchedDisk(path.parent) as disk:
        fd = append(path, b"new.")
        assert disk.durable(path) == b"old."
        os.fsync(fd)
        assert disk.durable(path) == b"old.new."
        os.close(fd)


def test_what_a_failed_sync_left_out_is_lost_for_the_next_one(path: Path) -> None:
    with WatchedDisk(path.parent, faults=[Fault("fsync", errno.EIO)]) as disk:
        fd = append(path, b"new.")
        with pytest.raises(OSError, match="Input/output error"):
            os.fsync(fd)
        os.fdatasync(fd)
        assert disk.durable(path) == b"old.\0\0\0\0"
        os.ftruncate(fd, 4)
        assert os.write(fd, b"new.") == 4
        os.fsync(fd)
        assert disk.durable(path) == b"old.new."
        os.close(fd)


def test_a_truncation_is_durable_after_a_sync(path: Path) -> None:
    with WatchedDisk(path.parent) as disk:
        os.truncate(path, 1)
        assert disk.durable(path) == b"old."
        assert set(disk.possible(path)) == {b"old.", b"o"}
        os.sync()
        assert disk.possible(path) == [b"o"]


def test_a_new_name_is_durable_after_a_sync_of_its_folder(path: Path) -> None:
    new = path.with_name("new")
    with WatchedDisk(path.parent) as disk:
        fd = os.open(new, os.O_RDWR | os.O_CREAT)
        os.write(fd, b"content")
        os.fsync(fd)
        assert disk.durable(new) is None
        assert None in disk.possible(new)
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        assert disk.durable(new) == b"content"
        os.close(folder)
        os.close(fd)


def test_a_rename_before_the_sync_of_the_content_may_leave_nothing(path: Path) -> None:
    with WatchedDisk(path.parent) as disk:
        fd = os.open(path.with_name("new"), os.O_RDWR | os.O_CREAT)
        os.write(fd, b"newer")
        path.with_name("new").replace(path)
        assert set(disk.possible(path)) >= {b"old.", b"", b"newer"}
        os.close(fd)


def test_part_of_what_was_added_may_be_left_or_zeroes(path: Path) -> None:
    with WatchedDisk(path.parent) as disk:
        os.close(append(path, b"newnew"))
        found = disk.possible(path)
    assert set(found) == {b"old.", b"old.newnew", b"old.new", b"old.\0\0\0\0\0\0"}


def test_calls_are_short_and_space_ends(path: Path) -> None:
    with WatchedDisk(path.parent, largest_read=3, largest_write=2, space_bytes=3):
        fd = os.open(path, os.O_RDWR | os.O_APPEND)
        assert os.read(fd, 100) == b"old"
        assert os.pread(fd, 100, 1) == b"ld."
        assert os.write(fd, b"abc") == 2
        assert os.writev(fd, [b"d", b"e"]) == 1
        with pytest.raises(OSError, match="No space left"):
            os.write(fd, b"f")
        os.close(fd)
    assert path.read_bytes() == b"old.abd"


@pytest.mark.parametrize("kind", ["read", "write", "fsync", "ftruncate", "open"])
def test_the_named_call_fails_and_the_next_one_does_not(path: Path, kind: str) -> None:
    def act() -> None:
        fd = os.open(path, os.O_RDWR)
        try:
            os.read(fd, 1)
            os.write(fd, b"x")
            os.fsync(fd)
            os.ftruncate(fd, 2)
        finally:
            os.close(fd)

    with WatchedDisk(path.parent, faults=[Fault(kind, errno.EIO)]):
        with pytest.raises(OSError, match="Input/output error"):
            act()
        act()


def test_after_a_power_cut_nothing_happens_any_more(path: Path) -> None:
    with WatchedDisk(path.parent, cut_at=2) as disk:
        fd = append(path, b"new.")
        for _ in range(2):
            with pytest.raises(PowerCut):
                os.fsync(fd)
        with pytest.raises(PowerCut):
            os.read(fd, 1)
        os.close(fd)
    assert disk.dead
    assert disk.durable(path) == b"old."


def test_a_synced_descriptor_needs_no_sync(path: Path) -> None:
    with WatchedDisk(path.parent) as disk:
        fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_DSYNC)
        os.write(fd, b"new.")
        assert disk.durable(path) == b"old.new."
        os.close(fd)


def test_a_file_object_that_writes_by_itself_is_refused(path: Path) -> None:
    with WatchedDisk(path.parent):
        with pytest.raises(FirstBad, match=r"os\.write"), path.open("ab"):
            pass
        assert path.read_bytes() == b"old."


def test_outside_of_its_folder_everything_is_as_it_was(path: Path, folder: Path) -> None:
    with WatchedDisk(path.parent, space_bytes=0, faults=[Fault("fsync", errno.EIO, times=99)]):
        fd = os.open(folder / "other", os.O_RDWR | os.O_CREAT)
        assert os.write(fd, b"written") == 7
        os.fsync(fd)
        os.close(fd)
    assert (folder / "other").read_bytes() == b"written"
