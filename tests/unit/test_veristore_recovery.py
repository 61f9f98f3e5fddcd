"""The four recovery modes, and repair: what is kept, what is told, what a power cut changes."""

from __future__ import annotations

import random
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

import veristack_lab.veristore as veristore
from tests.faulty_disk import CutDisk, FailingDisk, PowerCut, RecordingDisk, quick_folder
from tests.histories import History, begin, random_history
from veristack_lab.errors import DiskFull, InvalidInput, NotAStore, StoreCorrupt, StoreDamaged
from veristack_lab.veristore.disk import Disk, RealDisk, RealFile
from veristack_lab.veristore.kv import Store
from veristack_lab.veristore.recovery.damage import Damage, RecoveryMode
from veristack_lab.veristore.recovery.recoverer import Recoverer
from veristack_lab.veristore.recovery.settling import Recovered
from veristack_lab.veristore.wal.segment import SegmentHeader

TOLERATE, ABSOLUTE, POINT, SKIP = RecoveryMode
REPAIRING = (POINT, SKIP)


@pytest.fixture
def quick() -> Iterator[Path]:
    with quick_folder() as folder:
        yield folder


@pytest.fixture
def history(quick: Path) -> History:
    """Three segments of two groups each, LSN 1 to 6, k1 to k6; killed, not closed."""
    history = begin(quick / "store")
    for number in range(1, 7):
        history.group([(b"k%d" % number, b"v%d" % number)])
        if number in (2, 4):
            history.log.rotate()
    history.log.close()
    return history


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def open_damaged(path: Path, mode: str, **options: object) -> Store:
    with pytest.warns(StoreDamaged):
        return veristore.open(path, recovery=mode, **options)  # type: ignore[arg-type]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != "LOCK")


def numbers(store: Store) -> str:
    """Of the keys that are there."""
    return "".join(key.decode()[1:] for key, _ in store.scan())


def test_an_unknown_mode_is_refused(quick: Path) -> None:
    with pytest.raises(InvalidInput, match="point-in-time"):
        veristore.open(quick / "store", recovery="hope")


@pytest.mark.parametrize("mode", RecoveryMode)
def test_a_torn_tail_is_refused_by_one_mode_only(history: History, mode: RecoveryMode) -> None:
    last = history.segments[-1]
    data = last.read_bytes()
    last.write_bytes(data[:-1])
    if mode is ABSOLUTE:
        with pytest.raises(StoreCorrupt, match="torn tail"):
            veristore.open(history.folder, recovery=mode)
        assert last.read_bytes() == data[:-1]
        return
    with veristore.open(history.folder, recovery=mode) as store:
        assert numbers(store) == "12345"
        recovery = store.stats().recovery
        assert recovery.torn_bytes > 0
        assert recovery.damage == ()
        assert store.put(b"k6", b"") == 6, "what was torn never had its number"


@pytest.mark.parametrize(("mode", "kept"), [(POINT, "12"), (SKIP, "12456")])
def test_damage_in_the_middle(history: History, mode: RecoveryMode, kept: str) -> None:
    middle = history.segments[1]
    flip(middle, 40)
    damaged = middle.read_bytes()
    with open_damaged(history.folder, mode) as store:
        assert numbers(store) == kept
        stats = store.stats()
        (damage,) = stats.recovery.damage
        assert (damage.segment, damage.offset, damage.first_lost_lsn) == (middle.name, 32, 3)
        assert damage.last_lost_lsn == (6 if mode is POINT else 3)
        assert stats.last_lsn == 6
        assert store.put(b"k7", b"") == 7, "no LSN is given twice, though 3 to 6 may be lost"
    assert (history.folder / f"damaged-{middle.name}").read_bytes() == damaged
    assert names(history.folder) == [
        "damaged-log-0000000002",
        "damaged-log-0000000003",
        "log-0000000004",
        f"snapshot-{6:020d}",
    ]
    with veristore.open(history.folder, recovery=ABSOLUTE) as store:
        assert numbers(store) == kept + "7"
        assert store.stats().recovery.damage == ()


@pytest.mark.parametrize("mode", [TOLERATE, ABSOLUTE])
def test_the_strict_modes_change_nothing(history: History, mode: RecoveryMode) -> None:
    flip(history.segments[1], 40)
    (history.folder / "log-0000000009.tmp").write_bytes(b"unfinished")
    before = {name: (history.folder / name).read_bytes() for name in names(history.folder)}
    with pytest.raises(StoreCorrupt, match="Nothing was changed"):
        veristore.open(history.folder, recovery=mode)
    assert {n: (history.folder / n).read_bytes() for n in names(history.folder)} == before


def test_a_bad_end_of_a_segment_that_has_a_successor_is_damage(history: History) -> None:
    """Rotation had synced it, so nothing can be torn there."""
    first = history.segments[0]
    first.write_bytes(first.read_bytes()[:-1])
    with pytest.raises(StoreCorrupt, match=r"LSN 2 is due there .* a later segment exists"):
        veristore.open(history.folder, recovery=TOLERATE)
    with open_damaged(history.folder, SKIP) as store:
        assert numbers(store) == "13456"
        assert [str(one) for one in store.stats().recovery.damage] == [
            "log-0000000001 at byte 64: the record with LSN 2 is due there (SHORT), and a later "
            "segment exists; LSN 2 to 2 lost"
        ]


def test_a_last_segment_without_any_record_is_no_damage(history: History) -> None:
    last = history.segments[-1]
    last.write_bytes(last.read_bytes()[:32])
    with veristore.open(history.folder) as store:
        assert numbers(store) == "1234"
    last.write_bytes(last.read_bytes()[:32] + b"?" * 50)
    with veristore.open(history.folder) as store:
        assert numbers(store) == "1234"
        assert store.stats().recovery.torn_bytes == 50


@pytest.mark.parametrize(("mode", "kept"), [(POINT, "12"), (SKIP, "1256")])
def test_a_missing_segment(history: History, mode: RecoveryMode, kept: str) -> None:
    history.segments[1].unlink()
    with pytest.raises(StoreCorrupt, match="missing or misplaced"):
        veristore.open(history.folder, recovery=TOLERATE)
    with open_damaged(history.folder, mode) as store:
        assert numbers(store) == kept
        (damage,) = store.stats().recovery.damage
        assert damage.first_lost_lsn == 3
        assert damage.last_lost_lsn == (6 if mode is POINT else 4)
        assert store.put(b"k7", b"") == 7


def test_swapped_segments(history: History) -> None:
    _, second, third = history.segments
    data = second.read_bytes()
    second.write_bytes(third.read_bytes())
    third.write_bytes(data)
    copy = Path(shutil.copytree(history.folder, history.folder.with_name("copy")))
    with pytest.raises(StoreCorrupt, match="misplaced"):
        veristore.open(history.folder, recovery=TOLERATE)
    with open_damaged(history.folder, POINT) as store:
        assert numbers(store) == "12"
    with open_damaged(copy, SKIP) as store:
        assert numbers(store) == "123456", "each record says where it belongs"
        assert sum(one.lost_records for one in store.stats().recovery.damage) == 0


def test_a_first_segment_that_is_gone(history: History) -> None:
    history.segments[0].unlink()
    with open_damaged(history.folder, POINT) as store:
        assert numbers(store) == ""
        assert store.put(b"k7", b"") == 7


def test_a_damaged_header(history: History) -> None:
    flip(history.segments[1], 12)
    copy = Path(shutil.copytree(history.folder, history.folder.with_name("copy")))
    with open_damaged(history.folder, POINT) as store:
        assert numbers(store) == "12"
        assert [one.offset for one in store.stats().recovery.damage] == [0]
    with open_damaged(copy, SKIP) as store:
        assert numbers(store) == "123456", "the records do not need their header"


def test_stale_segments_go_and_are_never_replayed(history: History, quick: Path) -> None:
    """A checkpoint that was cut before it removed what it replaced."""
    whole = Path(shutil.copytree(history.folder, quick / "whole"))
    with veristore.open(history.folder) as store:
        store.delete(b"k1")
        store.checkpoint()
    for path in sorted(whole.glob("log-*")):
        shutil.copy(path, history.folder)
    with veristore.open(history.folder, recovery=ABSOLUTE) as store:
        assert numbers(store) == "23456"
    assert not set(names(history.folder)) & set(names(whole))


@pytest.mark.parametrize("damaged_at", [0, 20, 40, -1])
def test_a_damaged_snapshot_is_replaced_by_the_log_that_still_covers_it(
    history: History, quick: Path, damaged_at: int
) -> None:
    whole = Path(shutil.copytree(history.folder, quick / "whole"))
    with veristore.open(history.folder) as store:
        lsn = store.checkpoint()
    snapshot = history.folder / f"snapshot-{lsn:020d}"
    flip(snapshot, damaged_at)
    evidence = snapshot.read_bytes()
    for mode in RecoveryMode:  # the log is gone: no mode can make up for it
        with pytest.raises(StoreCorrupt):
            veristore.open(history.folder, recovery=mode)
    assert snapshot.read_bytes() == evidence
    for path in sorted(whole.glob("log-*")):
        shutil.copy(path, history.folder)
    for mode in (TOLERATE, ABSOLUTE):
        with pytest.raises(StoreCorrupt, match="Nothing was changed"):
            veristore.open(history.folder, recovery=mode)
    with open_damaged(history.folder, POINT) as store:
        assert numbers(store) == "123456"
        (damage,) = store.stats().recovery.damage
        assert (damage.segment, damage.lost_records) == (snapshot.name, 0)
    assert (history.folder / f"damaged-{snapshot.name}").read_bytes() == evidence
    with veristore.open(history.folder, recovery=ABSOLUTE) as store:
        assert numbers(store) == "123456"


def test_a_damaged_snapshot_and_a_damaged_log_are_too_much(history: History, quick: Path) -> None:
    whole = Path(shutil.copytree(history.folder, quick / "whole"))
    with veristore.open(history.folder) as store:
        lsn = store.checkpoint()
    for path in sorted(whole.glob("log-*")):
        shutil.copy(path, history.folder)
    flip(history.folder / f"snapshot-{lsn:020d}", 50)
    flip(history.folder / "log-0000000002", 40)
    for mode in RecoveryMode:
        with pytest.raises(StoreCorrupt):
            veristore.open(history.folder, recovery=mode)


def test_damage_twice_keeps_both_pieces_of_evidence(history: History) -> None:
    flip(history.segments[2], 40)
    with open_damaged(history.folder, POINT) as store:
        assert numbers(store) == "1234"
        store.put(b"k7", b"")
        store.put(b"k8", b"")
    flip(history.segments[-1], 40)
    with open_damaged(history.folder, POINT) as store:
        assert numbers(store) == "1234"
        assert store.put(b"k9", b"") > 8
    evidence = [name for name in names(history.folder) if name.startswith("damaged-")]
    assert evidence == ["damaged-log-0000000003", "damaged-log-0000000004"]


def test_a_folder_with_evidence_only_is_not_taken_for_a_new_store(history: History) -> None:
    for number, path in enumerate(history.segments):
        path.rename(history.folder / f"damaged-log-{number:010d}")
    for mode in RecoveryMode:
        with pytest.raises(StoreCorrupt, match="damaged files only"):
            veristore.open(history.folder, recovery=mode)


def test_a_value_that_holds_log_is_not_taken_for_log(history: History) -> None:
    """The bytes of an older record inside a damaged one: right checksum, but not its turn."""
    old = history.segments[2].read_bytes()[32:]
    history = begin(history.folder.with_name("other"))
    history.log.epoch = 3  # as in the copied bytes
    history.group(*[[(b"k%d" % n, b"")] for n in range(1, 9)])
    history.group([(b"copy", old)])
    history.log.close()
    path = history.segments[0]
    data = path.read_bytes().replace(b"copy", b"Copy")
    (history.folder / "log-0000000003").write_bytes(
        data.replace(data[:32], SegmentHeader(3, 1).encode(), 1)
    )
    path.unlink()
    with veristore.open(history.folder) as store:
        assert len(store) == 8
        assert store.stats().recovery.torn_bytes > 0
        assert store.stats().recovery.damage == ()


# --------------------------------------------------------------- repair, cut


def recover(folder: Path, mode: RecoveryMode, disk: Disk | None = None) -> Recovered:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StoreDamaged)
        found = Recoverer(disk or RealDisk(), folder, mode).recover()
    found.log.close()
    return found


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def _cuts(folder: Path, place: Path, mode: RecoveryMode) -> Iterator[Path]:
    """Copies of a folder whose recovery was cut at each of its operations."""
    for at in range(1, 200):
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(folder, place)
        try:
            recover(place, mode, CutDisk(at))
        except PowerCut:
            yield place
        else:
            return


@pytest.mark.parametrize("mode", REPAIRING)
@pytest.mark.parametrize("seed", range(3))
def test_a_repair_cut_twice_anywhere_gives_the_same_bytes(
    quick: Path, mode: RecoveryMode, seed: int
) -> None:
    rng = random.Random(seed)
    history = random_history(quick / "store", rng)
    flip(rng.choice(history.segments[:-1]), rng.randrange(40, 60))
    whole = Path(shutil.copytree(history.folder, quick / "whole"))
    reference = recover(whole, mode)
    assert reference.damage
    points = 0
    for once in _cuts(history.folder, quick / "once", mode):
        for twice in _cuts(once, quick / "twice", mode):
            again = recover(twice, mode)
            assert again.values == reference.values
            assert again.log.next_lsn == reference.log.next_lsn
            assert contents(twice) == contents(whole)
            points += 1
    assert points > 60, "a repair has that many steps on the disk"


def test_a_repair_without_room_changes_nothing_that_counts(history: History) -> None:
    flip(history.segments[1], 40)
    disk = FailingDisk("pwrite", 28)
    disk.armed = True
    with pytest.raises(DiskFull):
        veristore.open(history.folder, disk=disk)
    disk.armed = False
    with open_damaged(history.folder, SKIP, disk=disk) as store:
        assert numbers(store) == "12456"


def test_a_warning_that_is_an_error_leaves_nothing_open(history: History) -> None:
    flip(history.segments[1], 40)
    with warnings.catch_warnings():
        warnings.simplefilter("error", StoreDamaged)
        with pytest.raises(StoreDamaged, match="damaged-log-0000000002"):
            veristore.open(history.folder)
    with veristore.open(history.folder) as store:
        assert numbers(store) == "12", "it is repaired, and the lock is free"


def test_an_undamaged_store_is_opened_with_syncs_and_no_write(history: History) -> None:
    """The names, then what the newest segment holds: both may be in the page cache only."""
    disk = RecordingDisk()
    veristore.open(history.folder, disk=disk)
    synced = [("fsync_dir", history.folder.name), ("fdatasync", "log-0000000003")]
    assert disk.operations[-2:] == synced
    assert {operation for operation, _ in disk.operations} == {"fsync_dir", "fdatasync"}


class FewFilesDisk(RealDisk):
    """Counts how many files are open at once."""

    def __init__(self) -> None:
        self.open_now = self.open_most = 0

    def open(self, path: Path, *, create: bool = False) -> RealFile:
        file = super().open(path, create=create)
        self.open_now += 1
        self.open_most = max(self.open_most, self.open_now)
        close = file.close

        def close_and_count() -> None:
            self.open_now -= 1
            close()

        file.close = close_and_count  # type: ignore[method-assign]
        return file


@pytest.mark.parametrize("mode", REPAIRING)
def test_a_log_of_many_segments_needs_few_open_files(quick: Path, mode: RecoveryMode) -> None:
    history = begin(quick / "store")
    for number in range(40):
        history.group([(b"k%d" % number, b"")])
        history.log.rotate()
    history.log.close()
    disk = FewFilesDisk()
    with veristore.open(history.folder, recovery=mode, disk=disk) as store:
        assert len(store) == 40
        assert disk.open_now == 1
    flip(history.segments[9], 40)
    with open_damaged(history.folder, mode, disk=disk) as store:
        assert len(store) == (9 if mode is POINT else 39)
        assert disk.open_now == 1
    assert (disk.open_now, disk.open_most) == (0, 3), "the last one, the new one, the snapshot"


def test_a_step_can_be_replaced(history: History) -> None:
    """The museum's seams: one method each."""

    class Gullible(Recoverer):
        def judge_stop(self, *_: object) -> str:
            return ""

    flip(history.segments[-1], 40)
    Gullible(RealDisk(), history.folder, TOLERATE).recover().log.close()
    with veristore.open(history.folder) as store:
        assert numbers(store) == "1234", "acknowledged writes were cut off as if torn"


def test_a_damage_says_what_it_is() -> None:
    assert str(Damage("log-0000000001", 32, 5, 9, "because")) == (
        "log-0000000001 at byte 32: because; LSN 5 to 9 lost"
    )
    assert Damage("log-0000000001", 32, 5, 4, "because").lost_records == 0


def test_a_newer_file_is_never_repaired(history: History) -> None:
    history.segments[1].write_bytes(SegmentHeader(2, 3, version=3).encode())
    for mode in RecoveryMode:
        with pytest.raises(NotAStore, match="upgrade the lab"):
            veristore.open(history.folder, recovery=mode)
