"""The states of sectors and names, worked out by hand for small disks."""

from __future__ import annotations

from pathlib import Path

import pytest

from veristack_lab.sim import SimDisk
from veristack_lab.widgets.disk_view import NAME_WORDS, SECTOR_WORDS, Cut, files

FOLDER = Path("/d")
A, B = b"a" * 512, b"b" * 512


@pytest.fixture
def disk() -> SimDisk:
    """One file of three durable sectors in a durable folder."""
    disk = SimDisk()
    disk.make_dir(FOLDER)
    file = disk.open(FOLDER / "f", create=True)
    file.append(A * 3)
    file.fdatasync()
    disk.fsync_dir(FOLDER)
    return disk


def row(disk: SimDisk, name: str = "f", choice: str | None = None) -> tuple[str, str, int | None]:
    cut = None if choice is None else Cut(choice, disk.image(choice))
    found = [r for r in files(disk, cut) if r["path"] == f"/d/{name}"]
    assert len(found) == 1
    assert found[0]["name_words"] == NAME_WORDS[found[0]["name_state"]]
    return found[0]["name_state"], found[0]["sectors"], found[0]["size"]


def choice_of(disk: SimDisk, policy: str) -> str:
    return next(image.choice for image in disk.images(512) if image.policy == policy)


def test_what_is_synced_is_durable_in_every_image(disk: SimDisk) -> None:
    assert row(disk) == ("durable", "DDD", 1536)
    assert row(disk, choice="") == ("durable", "DDD", 1536)


def test_an_overwritten_sector_is_kept_or_lost_on_its_own(disk: SimDisk) -> None:
    disk.open(FOLDER / "f").pwrite(B * 2, 512)
    assert row(disk) == ("durable", "DCC", 1536)
    found = {row(disk, choice=image.choice)[1] for image in disk.images(512, byte_cuts=0)}
    assert found == {"DLL", "DLK", "DKL", "DKK"}


def test_a_torn_write_stops_inside_a_sector(disk: SimDisk) -> None:
    disk.open(FOLDER / "f").pwrite(B * 2, 512)
    inode = disk.paths()["/d/f"]
    assert row(disk, choice=f"{inode}=t100")[1] == "DTL"
    assert row(disk, choice=f"{inode}=t700")[1] == "DKT"


def test_a_file_that_grew_may_have_its_length_and_anything_in_it(disk: SimDisk) -> None:
    disk.open(FOLDER / "f").append(B)
    inode = disk.paths()["/d/f"]
    assert row(disk) == ("durable", "DDDC", 2048)
    assert row(disk, choice=choice_of(disk, "lost")) == ("durable", "DDDL", 1536)
    assert row(disk, choice=f"{inode}=1.0.z") == ("durable", "DDDZ", 2048)
    assert row(disk, choice=f"{inode}=1.0.g") == ("durable", "DDDG", 2048)
    assert row(disk, choice=choice_of(disk, "kept")) == ("durable", "DDDK", 2048)


def test_length_without_data_in_a_sector_that_had_some(disk: SimDisk) -> None:
    file = disk.open(FOLDER / "f")
    file.append(b"c" * 100)
    file.fdatasync()
    file.append(b"d" * 100)
    inode = disk.paths()["/d/f"]
    assert row(disk, choice=f"{inode}=1.0.z") == ("durable", "DDDZ", 1736)


def test_an_older_version_of_a_sector_is_neither_kept_nor_lost(disk: SimDisk) -> None:
    file = disk.open(FOLDER / "f")
    file.pwrite(B, 0)
    file.pwrite(b"c" * 512, 0)
    states = {row(disk, choice=image.choice)[1] for image in disk.images(512, byte_cuts=0)}
    assert states == {"LDD", "ODD", "KDD"}


def test_stale_data_of_a_deleted_file_is_named(disk: SimDisk) -> None:
    disk.unlink(FOLDER / "f")
    disk.fsync_dir(FOLDER)
    disk.open(FOLDER / "g", create=True).append(B)
    disk.fsync_dir(FOLDER)
    inode = disk.paths()["/d/g"]
    assert row(disk, "g", f"{inode}=1.0.s") == ("durable", "S", 512)


def test_names_are_made_removed_and_replaced_until_the_folder_is_synced(disk: SimDisk) -> None:
    file = disk.open(FOLDER / "new", create=True)
    file.append(B)
    file.fdatasync()
    assert row(disk, "new") == ("made", "D", 512)
    # All its bytes are durable, and no name leads to them.
    assert row(disk, "new", choice_of(disk, "lost")) == ("lost", "D", None)
    disk.rename(FOLDER / "new", FOLDER / "f")
    assert row(disk, "f") == ("replaced", "D", 512)
    assert row(disk, "f", choice_of(disk, "lost")) == ("lost", "DDD", 1536)
    disk.fsync_dir(FOLDER)
    assert row(disk, "f") == ("durable", "D", 512)
    disk.unlink(FOLDER / "f")
    assert row(disk, "f") == ("removed", "D", None)
    assert row(disk, "f", choice_of(disk, "lost")) == ("lost", "D", 512)
    assert row(disk, "f", choice_of(disk, "kept"))[::2] == ("kept", None)


def test_every_letter_stands_for_one_state() -> None:
    assert len({words[0] for words in SECTOR_WORDS}) == len(SECTOR_WORDS)


def test_a_large_file_is_shown_in_part(disk: SimDisk) -> None:
    disk.open(FOLDER / "f").append(B * 200)
    (shown,) = files(disk, None)
    assert (len(shown["sectors"]), shown["more"]) == (96, 107)
