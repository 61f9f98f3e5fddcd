"""Faults on demand, the clock, and what the simulated disk makes of a failed sync."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

import veristack_lab.veristore as veristore
from veristack_lab.errors import DiskFull, InvalidInput, StoreFailed
from veristack_lab.sim import SimClock, SimDisk
from veristack_lab.sim.disk.handles import SimFile

FOLDER = Path("/d")


@pytest.fixture
def disk() -> SimDisk:
    disk = SimDisk()
    disk.make_dir(FOLDER)
    return disk


def new_file(disk: SimDisk, content: bytes = b"") -> SimFile:
    """A file with its content and its name durable."""
    file = disk.open(FOLDER / "file", create=True)
    file.append(content)
    file.fdatasync()
    disk.fsync_dir(FOLDER)
    return file


def after_crash(disk: SimDisk, policy: str = "kept") -> bytes:
    cut = disk.crash(policy)
    return cut.files[cut.paths()["/d/file"]].durable


def test_a_bad_sector_is_an_error_of_one_read(disk: SimDisk) -> None:
    file = new_file(disk, b"data")
    disk.fail("read-error", "file", skip=1)
    assert file.read(0, 4) == b"data"
    with pytest.raises(OSError, match="Input/output") as caught:
        file.read(0, 4)
    assert caught.value.errno == errno.EIO
    assert file.read(0, 4) == b"data"


def test_a_failed_sync_marks_pages_clean(disk: SimDisk) -> None:
    """The retry says yes, and the data is gone: PostgreSQL's "fsyncgate", 2018."""
    file = new_file(disk, b"old.")
    file.pwrite(b"new!", 0)
    disk.fail("sync-error")
    with pytest.raises(OSError, match="Input/output"):
        file.fdatasync()
    file.fdatasync()
    assert file.read(0, 4) == b"new!", "the cache has it still"
    assert after_crash(disk, "lost") == b"old."
    assert after_crash(disk, "kept") == b"new!", "or it had got through"


def test_a_page_written_again_takes_what_a_failed_sync_left(disk: SimDisk) -> None:
    file = new_file(disk, b"old." * 2000)
    file.pwrite(b"new!", 0)
    file.pwrite(b"new!", 5000)
    disk.fail("sync-error")
    with pytest.raises(OSError, match="Input/output"):
        file.fdatasync()
    file.pwrite(b"more", 100)
    file.fdatasync()
    lost = after_crash(disk, "lost")
    assert (lost[:4], lost[100:104], lost[5000:5004]) == (b"new!", b"more", b"old.")
    assert len(lost) == 8000


def test_a_sync_that_works_settles_the_length(disk: SimDisk) -> None:
    file = new_file(disk, b"x" * 1000)
    file.append(b"y" * 500)
    disk.fail("sync-error")
    with pytest.raises(OSError, match="Input/output"):
        file.fdatasync()
    file.truncate(1000)
    file.fdatasync()
    assert [image.policy for image in disk.images()] == ["kept"]
    assert after_crash(disk) == b"x" * 1000


def test_a_full_disk_takes_half(disk: SimDisk) -> None:
    file = new_file(disk)
    disk.fail("no-space", "file")
    with pytest.raises(OSError, match="No space") as caught:
        file.append(b"12345678")
    assert caught.value.errno == errno.ENOSPC
    assert file.read(0, 100) == b"1234"
    disk.fail("no-space", "other")
    with pytest.raises(OSError, match="No space"):
        disk.open(FOLDER / "other", create=True)
    assert not disk.exists(FOLDER / "other")


def test_a_short_write_is_two(disk: SimDisk) -> None:
    file = new_file(disk)
    before = len(disk.operations)
    disk.fail("short-write")
    file.append(b"12345678")
    found = [(each.offset, each.size_bytes) for each in disk.operations[before:]]
    assert found == [(0, 4), (4, 4)]
    assert file.read(0, 8) == b"12345678"


@pytest.mark.parametrize(
    ("kind", "left"),
    [
        ("lost-write", b"a" * 1024),
        ("bit-flip", b"a" * 512 + b"b" * 256 + b"c" + b"b" * 255),
        ("misdirected-write", b"b" * 512 + b"a" * 512),
    ],
)
def test_the_device_lies_and_the_cache_does_not_know(disk: SimDisk, kind: str, left: bytes) -> None:
    file = new_file(disk, b"a" * 1024)
    disk.fail(kind)  # type: ignore[arg-type]  # parametrized
    file.pwrite(b"b" * 512, 512)
    file.fdatasync()
    assert file.read(0, 1024) == b"a" * 512 + b"b" * 512
    assert after_crash(disk, "lost") == left


def test_latency_passes_on_the_clock_of_the_disks_user() -> None:
    clock = SimClock()
    disk = SimDisk(delay=clock.advance)
    disk.make_dir(FOLDER)
    file = new_file(disk)
    disk.fail("latency", "file", times=None, latency_s=0.25)
    file.append(b"data")
    file.fdatasync()
    assert clock.monotonic_s() == 0.5
    disk.heal()
    file.fdatasync()
    assert clock.now_ms() == SimClock().now_ms() + 500


def test_what_cannot_be_is_refused(disk: SimDisk) -> None:
    with pytest.raises(InvalidInput, match="there is no fault 'rust'"):
        disk.fail("rust")  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="times=0"):
        disk.fail("latency", times=0)
    with pytest.raises(InvalidInput, match=r"SimDisk\(delay=clock.advance\)"):
        disk.fail("latency", latency_s=1.0)
    with pytest.raises(InvalidInput, match="there is no policy 'gone'"):
        disk.crash("gone")
    with pytest.raises(InvalidInput, match="cannot go back"):
        SimClock().advance(-1)


def test_a_clone_has_faults_of_its_own(disk: SimDisk) -> None:
    file = new_file(disk, b"data")
    disk.fail("read-error")
    clone = disk.clone()
    with pytest.raises(OSError, match="Input/output"):
        clone.open(FOLDER / "file").read(0, 4)
    assert not clone.has_faults
    with pytest.raises(OSError, match="Input/output"):
        file.read(0, 4)


def test_the_store_stops_at_a_failed_sync_and_at_a_full_disk() -> None:
    for kind, error in (("sync-error", StoreFailed), ("no-space", DiskFull)):
        disk = SimDisk()
        store = veristore.open("/s", disk=disk, checkpoint_bytes=None)
        store.put(b"a", b"1")
        disk.fail(kind, "log-*")  # type: ignore[arg-type]  # both are kinds
        with pytest.raises(error):
            store.put(b"a", b"2")
        with pytest.raises(StoreFailed):
            store.put(b"b", b"3")
        assert store.get(b"a") == b"1"
        store.close()
        with veristore.open("/s", disk=disk.crash("any", 1), checkpoint_bytes=None) as store:
            assert store.get(b"a") in (b"1", b"2")
            assert store.get(b"b") is None
