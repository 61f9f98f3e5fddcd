"""A Raft node's storage: what is kept, what is refused, and what is said of damage."""

from __future__ import annotations

from pathlib import Path

import pytest

import veristack_lab.veristore as veristore
from tests.unit.raft_disk import (
    FOLDER,
    ME,
    THREE,
    Facts,
    closed,
    entry,
    facts,
    found,
    made_elsewhere,
    opened,
    overwritten,
)
from veristack_lab.errors import (
    DiskFull,
    InvalidInput,
    NotAStore,
    StoreCorrupt,
    StoreFailed,
    StoreLocked,
)
from veristack_lab.kernels import records as framing
from veristack_lab.sim import SimDisk
from veristack_lab.veristore.disk import RealDisk
from veristack_lab.veristore.raft.configuration import Configuration
from veristack_lab.veristore.raft.errors import SnapshotDamaged, WrongNode
from veristack_lab.veristore.raft.opening import MAX_EVIDENCE, Opened, open_node
from veristack_lab.veristore.wal.mutations import RecordType
from veristack_lab.veristore.wal.segment import HEADER_BYTES, VERSION, SegmentHeader

LOG = "log-0000000001"


def filled(groups: int = 4, *, close: bool = False) -> tuple[SimDisk, list[int]]:
    """A disk with `groups` groups of one entry each, and where each group begins."""
    disk = SimDisk()
    parts = opened(disk)
    starts = []
    for number in range(1, groups + 1):
        starts.append(parts.storage.log_bytes)
        parts.storage.write(number, number % 3 + 1, [entry(number, number)])
        parts.storage.sync()
    if close:
        closed(parts)
    return disk, [*starts, parts.storage.log_bytes]


def indexes(parts: Opened) -> list[int]:
    return [each.index for each in parts.storage.state.entries]


# ------------------------------------------------------------------------------- what is kept


def test_it_works_on_a_real_disk(tmp_path: Path) -> None:
    folder = tmp_path / "node"
    parts = open_node(RealDisk(), folder, ME)
    parts.storage.write(3, 2, [entry(1, 1), entry(2, 3)])
    parts.storage.sync()
    with pytest.raises(StoreLocked):
        open_node(RealDisk(), folder, ME)
    closed(parts)
    assert (folder / LOG).stat().st_size < 1000, "the room was given back"
    parts = open_node(RealDisk(), folder, ME)
    assert facts(parts.storage.state)[:2] == (3, 2)
    assert indexes(parts) == [1, 2]
    closed(parts)


def test_a_write_is_one_write_and_several_share_a_sync() -> None:
    disk = SimDisk()
    parts = opened(disk)
    before = len(disk.operations)
    parts.storage.write(1, 1, [entry(1, 1)])
    parts.storage.write(1, 1, [entry(2, 1), entry(3, 1)])
    assert not parts.storage.is_synced
    parts.storage.sync()
    parts.storage.sync()
    assert [each.kind for each in disk.operations[before:]] == ["pwrite", "pwrite", "fdatasync"]
    assert parts.storage.is_synced


def test_the_configuration_of_the_beginning_is_kept_whatever_is_given_later() -> None:
    disk = SimDisk()
    closed(opened(disk))
    parts = opened(disk, ME._replace(configuration=Configuration((1, 9))))
    assert parts.recovered.identity.configuration == THREE


def test_what_cannot_follow_is_refused() -> None:
    parts = opened(SimDisk())
    parts.storage.write(2, 0, [entry(1, 1)])
    for term, entries, drop_from in (
        (1, [], 0),
        (2, [entry(3, 2)], 0),
        (2, [entry(1, 2)], 0),
        (2, [entry(2, 3)], 0),
        (2, [], 5),
    ):
        with pytest.raises(StoreCorrupt):
            parts.storage.write(term, 0, entries, drop_from)
    with pytest.raises(StoreCorrupt):
        parts.storage.compact(2)


def test_entries_before_a_snapshot_stay_until_they_are_compacted() -> None:
    disk, _ = filled(6)
    parts = opened(disk.crash("lost"))
    meta = parts.snapshots.write(4, 4, THREE, [])
    parts.storage.name_snapshot(meta)
    parts.storage.compact(2)
    parts.storage.compact(1)
    again = opened(parts.storage._disk.crash("lost"))  # type: ignore[attr-defined]
    assert (again.recovered.snapshot, again.storage.state.before) == (meta, (2, 2))
    assert indexes(again) == [3, 4, 5, 6]


def test_an_installed_snapshot_keeps_what_follows_it_only_if_told() -> None:
    for keep_log, kept in ((True, [5, 6]), (False, [])):
        disk, _ = filled(6)
        parts = opened(disk.crash("lost"))
        meta, data = made_elsewhere(4, 4)
        parts.snapshots.store_chunk(meta, 0, data)
        parts.snapshots.verify(meta)
        parts.storage.install(6, 0, meta, keep_log=keep_log)
        assert indexes(parts) == kept
        again = opened(parts.storage._disk.crash("lost"))  # type: ignore[attr-defined]
        assert (indexes(again), again.recovered.snapshot) == (kept, meta)
        assert again.storage.state.before == (4, 4)


# ------------------------------------------------------------------------------ what is refused


def test_the_folder_of_another_node_or_cluster_is_refused_and_left_as_it_is() -> None:
    disk, _ = filled(close=True)
    before = disk.tree_digest()
    for other in (ME._replace(node_id=2), ME._replace(cluster_id=5)):
        with pytest.raises(WrongNode, match="belongs to node 1 of cluster 0xc1"):
            opened(disk, other)
    assert disk.tree_digest() == before
    closed(opened(disk))  # the lock was given back


def test_ids_out_of_bounds_are_refused() -> None:
    for wrong in (ME._replace(node_id=0), ME._replace(cluster_id=1 << 64)):
        with pytest.raises(InvalidInput):
            opened(SimDisk(), wrong)


def test_a_store_and_a_node_do_not_open_each_others_folders(tmp_path: Path) -> None:
    closed(open_node(RealDisk(), tmp_path / "node", ME))
    with pytest.raises(NotAStore, match="belongs to a Raft node"):
        veristore.open(tmp_path / "node")
    with veristore.open(tmp_path / "store") as store:
        store.put(b"key", b"value")
    with pytest.raises(NotAStore, match="belongs to a store"):
        open_node(RealDisk(), tmp_path / "store", ME)
    (tmp_path / "else").mkdir()
    (tmp_path / "else" / "letter.txt").write_text("dear")
    with pytest.raises(NotAStore):
        open_node(RealDisk(), tmp_path / "else", ME)


def test_a_newer_format_is_refused() -> None:
    disk, _ = filled(close=True)
    header = SegmentHeader(1, 1, b"VSTORRFT", VERSION + 1)
    newer = overwritten(disk, LOG, 0, header.encode())
    with pytest.raises(NotAStore, match="upgrade the lab"):
        opened(newer)


def test_a_log_that_was_removed_is_no_new_node() -> None:
    disk, _ = filled()
    parts = opened(disk.after_kill())
    meta = parts.snapshots.write(4, 4, THREE, [])
    parts.storage.name_snapshot(meta)
    closed(parts)
    found_disk = parts.storage._disk
    found_disk.unlink(FOLDER / LOG)
    with pytest.raises(StoreCorrupt, match="under a new id"):
        opened(found_disk)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["sync-error", "no-space"])
def test_after_a_failed_write_or_sync_nothing_more_is_written(kind: str) -> None:
    disk, _ = filled(2)
    parts = opened(disk.after_kill())
    disk = parts.storage._disk  # type: ignore[assignment]
    disk.fail(kind, path="log-*")  # type: ignore[arg-type]
    error = DiskFull if kind == "no-space" else StoreFailed

    def write() -> None:
        parts.storage.write(9, 1, [entry(3, 9)])
        parts.storage.sync()

    with pytest.raises(error):
        write()
    done = len(disk.operations)
    for again in (
        write,
        parts.storage.sync,
        parts.storage.repaired,
        lambda: parts.storage.compact(1),
        lambda: parts.storage.install(9, 0, made_elsewhere(5, 5)[0], keep_log=False),
    ):
        with pytest.raises(error):
            again()
    parts.storage.close()
    assert len(disk.operations) == done
    for policy in ("lost", "kept", "sectors", "torn"):
        for seed in range(5):
            after, again_opened = found(disk.crash(policy, seed))
            assert [each.index for each in after.entries] in ([1, 2], [1, 2, 3])
            assert not again_opened.recovered.must_not_vote


def test_a_disk_that_cannot_be_read_is_no_damage_to_the_log() -> None:
    disk, _ = filled(4, close=True)
    before = disk.tree_digest()
    disk.fail("read-error", path="log-*")
    with pytest.raises(StoreFailed, match="cannot be opened"):
        opened(disk)
    assert disk.tree_digest() == before
    assert indexes(opened(disk)) == [1, 2, 3, 4]


def test_a_full_disk_at_opening_or_at_a_snapshot_is_said_and_harms_nothing() -> None:
    disk = SimDisk()
    disk.make_dir(FOLDER)
    disk.fail("no-space", path="log-*")
    with pytest.raises(DiskFull, match="free"):
        opened(disk)
    disk, _ = filled()
    parts = opened(disk.after_kill())
    disk = parts.storage._disk  # type: ignore[assignment]
    disk.fail("no-space", path="raft-snapshot-*")
    with pytest.raises(OSError, match="No space"):
        parts.snapshots.write(4, 4, THREE, [(RecordType.RAFT_STATE, b"x" * 1000)])
    assert [name for name in disk.listdir(FOLDER) if "snapshot" in name] == []
    assert indexes(opened(disk.crash("lost"))) == [1, 2, 3, 4]


# ----------------------------------------------------------------------------- torn or damaged


def test_a_torn_tail_is_cut_and_said() -> None:
    disk, starts = filled(4)
    rotten = overwritten(disk, LOG, starts[3] + 30, b"\xff")
    parts = opened(rotten)
    assert indexes(parts) == [1, 2, 3]
    assert not parts.recovered.must_not_vote
    cut = parts.recovered.cut
    assert cut is not None
    assert (cut.segment, cut.offset, cut.size_bytes) == (LOG, starts[3], starts[4] - starts[3])
    closed(parts)
    assert opened(rotten).recovered.cut is None


def test_rot_in_the_last_synced_group_looks_like_a_torn_tail_unless_closed() -> None:
    """The limit that `recovery` documents: without a group behind it, nothing tells them apart."""
    open_disk, starts = filled(3)
    assert not opened(overwritten(open_disk, LOG, starts[2] + 5, b"!")).recovered.must_not_vote
    closed_disk, starts = filled(3, close=True)
    assert opened(overwritten(closed_disk, LOG, starts[2] + 5, b"!")).recovered.must_not_vote


def test_damage_is_never_cut_silently() -> None:
    disk, starts = filled(5)
    rotten = overwritten(disk, LOG, starts[1] + 30, b"\xff\xff")
    parts = opened(rotten)
    (damage,) = parts.recovered.damages
    assert (damage.first_index, damage.last_index, damage.term_lost) == (2, 5, False)
    assert damage.what.startswith(f"{LOG}: ")
    assert damage.what.endswith(f"at byte {starts[1]} (BAD_CRC)")
    assert "entries from index 2 to 5 may be lost" in str(damage)
    assert (parts.recovered.must_not_vote, parts.recovered.term_lost) == (True, False)
    assert indexes(parts) == [1], "nothing behind a gap is taken"
    assert facts(parts.storage.state)[:2] == (5, 3), "term and vote of the newest whole group"
    names = rotten.listdir(FOLDER)
    assert "damaged-" + LOG in names
    assert "log-0000000002" in names


def test_a_mark_of_damage_stays_until_it_is_repaired() -> None:
    disk, starts = filled(5)
    parts = opened(overwritten(disk, LOG, starts[1] + 30, b"\xff\xff"))
    parts.storage.write(6, 0, [entry(2, 6)])
    parts.storage.compact(1)
    closed(parts)
    disk = parts.storage._disk  # type: ignore[assignment]
    parts = opened(disk)
    assert parts.recovered.must_not_vote
    parts.storage.repaired()
    unsynced = opened(disk.crash("lost"))
    assert unsynced.recovered.must_not_vote, "not durable yet: repaired once more"
    parts.storage.sync()
    assert not opened(disk.crash("lost")).recovered.must_not_vote


def test_term_and_vote_are_lost_only_if_no_whole_group_follows() -> None:
    disk = SimDisk()
    parts = opened(disk)
    starts = []
    for term in (1, 2, 3):
        starts.append(parts.storage.log_bytes)
        parts.storage.write(term, term)
        parts.storage.sync()
    closed(parts)  # ends with a group of its own, which repeats term and vote
    rotten = overwritten(disk, LOG, starts[2] + 4, b"\xff")
    parts = opened(rotten)
    assert (parts.recovered.must_not_vote, parts.recovered.term_lost) == (True, False)
    assert facts(parts.storage.state)[:2] == (3, 3)


def test_rot_in_what_a_segment_begins_with_is_damage() -> None:
    disk, (size,) = filled(0)
    last_group = size - 2 * framing.HEADER_BYTES - 12  # term and vote once more, and a MARK
    for offset in range(HEADER_BYTES, size):
        parts = opened(overwritten(disk, LOG, offset, b"\xa5"))
        assert parts.recovered.must_not_vote == (offset < last_group), offset
        assert (parts.recovered.cut is not None) == (offset >= last_group), offset
        assert facts(parts.storage.state) == Facts(0, 0, (0, 0), (), None)


def test_damage_to_the_header_alone_loses_nothing() -> None:
    disk, _ = filled(4)
    parts = opened(overwritten(disk, LOG, 20, b"\xff"))
    assert indexes(parts) == [1, 2, 3, 4]
    assert not parts.recovered.must_not_vote
    assert "header is damaged" in parts.recovered.remarks[0]
    closed(parts)
    again = opened(parts.storage._disk)  # type: ignore[arg-type]
    assert (again.recovered.remarks, indexes(again)) == ((), [1, 2, 3, 4])


def test_a_file_of_another_kind_under_the_name_of_a_log_is_left_alone() -> None:
    disk = SimDisk()
    disk.make_dir(FOLDER)
    disk.open(FOLDER / LOG, create=True).append(b"a letter, and no log at all" * 20)
    with pytest.raises(NotAStore, match="was not written by a Raft node"):
        opened(disk)
    assert LOG in disk.listdir(FOLDER)


def test_everything_rotten_is_a_node_without_a_vote() -> None:
    disk, starts = filled(4)
    size = starts[-1] - HEADER_BYTES
    parts = opened(overwritten(disk, LOG, HEADER_BYTES, b"\xff" * size))
    assert (parts.recovered.must_not_vote, parts.recovered.term_lost) == (True, True)
    assert indexes(parts) == []


def test_evidence_is_bounded() -> None:
    disk, starts = filled(5)
    offset = starts[1] + 30
    for _ in range(MAX_EVIDENCE + 3):
        names = [name for name in disk.listdir(FOLDER) if name.startswith("log-")]
        disk = overwritten(disk, names[0], offset, b"\xff\xff")
        parts = opened(disk)
        assert parts.recovered.must_not_vote
        offset = HEADER_BYTES + 4
        closed(parts)
    kept = [name for name in disk.listdir(FOLDER) if name.startswith("damaged-")]
    assert len(kept) == MAX_EVIDENCE
    assert kept[-1] == f"damaged-log-{MAX_EVIDENCE + 3:010d}"


# ----------------------------------------------------------------------------------- snapshots


def with_snapshot() -> tuple[SimDisk, str]:
    disk, _ = filled(6)
    parts = opened(disk.after_kill())
    meta = parts.snapshots.write(4, 4, THREE, [(RecordType.RAFT_STATE, b"state")])
    parts.storage.name_snapshot(meta)
    closed(parts)
    name = next(name for name in parts.storage._disk.listdir(FOLDER) if "snapshot" in name)
    return parts.storage._disk, name  # type: ignore[return-value]


def test_a_bad_snapshot_costs_nothing_while_the_log_has_everything() -> None:
    disk, name = with_snapshot()
    parts = opened(overwritten(disk, name, 40, b"\xff"))
    assert (parts.recovered.snapshot, indexes(parts)) == (None, [1, 2, 3, 4, 5, 6])
    assert not parts.recovered.must_not_vote
    assert "checksum" in parts.recovered.remarks[0]


def test_a_bad_snapshot_without_the_log_before_it_is_damage() -> None:
    disk, name = with_snapshot()
    parts = opened(disk)
    parts.storage.compact(3)
    closed(parts)
    for broken in (overwritten(disk, name, 40, b"\xff"), disk.after_kill()):
        if broken.files == disk.files:
            broken.unlink(FOLDER / name)
        again = opened(broken)
        assert again.recovered.must_not_vote
        assert (again.recovered.snapshot, indexes(again)) == (None, [])
        assert not again.recovered.term_lost
        assert facts(again.storage.state)[:2] == (6, 1)


def test_every_bit_of_a_snapshot_counts() -> None:
    disk, name = with_snapshot()
    size = len(disk.files[disk.paths()[f"{FOLDER}/{name}"]].cached)
    parts = opened(disk)
    meta = parts.recovered.snapshot
    assert meta is not None
    assert parts.snapshots.fault_of(meta) == ""
    for offset in range(size):
        rotten = overwritten(disk, name, offset, bytes([disk_byte(disk, name, offset) ^ 4]))
        rotten_parts = Opened(parts.storage, type(parts.snapshots)(rotten, FOLDER), *parts[2:])
        assert rotten_parts.snapshots.fault_of(meta), offset


def disk_byte(disk: SimDisk, name: str, offset: int) -> int:
    return disk.files[disk.paths()[f"{FOLDER}/{name}"]].cached[offset]


def test_a_transfer_goes_on_where_it_broke_off_also_after_a_restart() -> None:
    meta, data = made_elsewhere(9, 5, b"x" * 2000)
    disk = SimDisk()
    parts = opened(disk)
    assert parts.snapshots.store_chunk(meta, 0, data[:700]) == 700
    assert parts.snapshots.store_chunk(meta, 100, data[100:700]) == 700, "repeated: harmless"
    assert parts.snapshots.store_chunk(meta, 900, data[900:1000]) == 700, "a gap: harmless"
    assert parts.snapshots.store_chunk(meta, 700, data[700:2500]) == 2500
    again = opened(disk.crash("lost"))
    assert again.recovered.incoming is not None
    known, held = again.recovered.incoming
    assert known == meta
    assert 2000 < held <= 2500, "behind the last whole record"
    assert again.snapshots.store_chunk(meta, held, data[held:]) == meta.size_bytes
    again.snapshots.verify(meta)
    assert again.snapshots.fault_of(meta) == ""


def test_a_transfer_that_does_not_verify_is_refused_and_removed() -> None:
    meta, data = made_elsewhere(9, 5)
    parts = opened(SimDisk())
    rotten = data[:100] + bytes([data[100] ^ 1]) + data[101:]
    parts.snapshots.store_chunk(meta, 0, rotten)
    with pytest.raises(SnapshotDamaged, match="checksum"):
        parts.snapshots.verify(meta)
    with pytest.raises(SnapshotDamaged, match="not here"):
        parts.snapshots.verify(meta)
    assert parts.snapshots.store_chunk(meta, 200, data[200:]) == 0, "it begins again from 0"
    parts.snapshots.store_chunk(meta, 0, data[:50])
    with pytest.raises(SnapshotDamaged, match="has 50 bytes"):
        parts.snapshots.verify(meta)
    with pytest.raises(SnapshotDamaged, match="of a snapshot of"):
        parts.snapshots.store_chunk(meta, 10, data)
    parts.snapshots.store_chunk(meta, 0, data)
    parts.snapshots.verify(meta)


def test_another_snapshot_takes_the_place_of_a_transfer() -> None:
    first, data = made_elsewhere(9, 5)
    second, other = made_elsewhere(12, 6)
    parts = opened(SimDisk())
    parts.snapshots.store_chunk(first, 0, data[:90])
    parts.snapshots.store_chunk(second, 0, other)
    assert parts.snapshots.store_chunk(first, 90, data[90:]) == 0, "stale: changes nothing"
    parts.snapshots.verify(second)
    assert parts.snapshots.read(second, 0, 10) == other[:10]
    assert parts.snapshots.read(first, 0, 10) is None


def test_a_snapshot_of_another_index_does_not_pass_for_this_one() -> None:
    meta, data = made_elsewhere(9, 5)
    parts = opened(SimDisk())
    wrong = meta._replace(index=8)
    parts.snapshots.store_chunk(wrong, 0, data)
    with pytest.raises(SnapshotDamaged, match="snapshot of index 9"):
        parts.snapshots.verify(wrong)


def test_record_types_of_a_node_never_count_in_a_store() -> None:
    numbers = [int(kind) for kind in RecordType]
    assert len(set(numbers)) == len(numbers)
    assert max(numbers) < 0x80
    framed = framing.frame_records([b"x"], [RecordType.RAFT_TERM], 1, 1)
    assert framed[20] == RecordType.RAFT_TERM
