"""Torn or damaged: what recovery makes of what it finds behind the last good record."""

from __future__ import annotations

from pathlib import Path

import pytest

import veristack_lab.veristore as veristore
from veristack_lab.errors import NotAStore, StoreCorrupt
from veristack_lab.kernels import records
from veristack_lab.veristore.disk import RealDisk
from veristack_lab.veristore.wal import log as wal
from veristack_lab.veristore.wal import segment
from veristack_lab.veristore.wal.anatomy import log_anatomy
from veristack_lab.veristore.wal.mutations import RecordType, encode_put
from veristack_lab.veristore.wal.segment import GROUP_START, HEADER_BYTES

SEGMENT = "log-0000000001"


def group(first_lsn: int, *values: bytes, epoch: int = 1) -> bytes:
    payloads = [encode_put(b"k%d" % (first_lsn + n), value) for n, value in enumerate(values)]
    types = [RecordType.PUT | GROUP_START, *[RecordType.PUT] * (len(values) - 1)]
    return records.frame_records(payloads, types, first_lsn, epoch)


def store_with(folder: Path, data: bytes) -> Path:
    """A store that was not closed, whose log holds these bytes."""
    path = folder / "store"
    path.mkdir(exist_ok=True)
    (path / SEGMENT).write_bytes(segment.SegmentHeader(1, 1).encode() + data)
    return path


def keys(path: Path) -> list[bytes]:
    with veristore.open(path) as store:
        return [key for key, _ in store.scan()]


def test_sectors_of_the_last_group_may_be_lost_in_any_order(folder: Path) -> None:
    last = bytearray(group(2, b"a" * 40, b"b" * 40, b"c" * 40))
    last[30] ^= 0xFF  # the first record of the group did not reach the disk, the others did
    path = store_with(folder, group(1, b"x") + last)
    with veristore.open(path) as store:
        assert [key for key, _ in store.scan()] == [b"k1"]
        assert store.stats().recovery.torn_bytes == len(last)
        assert store.stats().recovery.after_crash


def test_damage_that_a_later_group_proves_is_refused(folder: Path) -> None:
    damaged = bytearray(group(2, b"a" * 40, b"b" * 40))
    damaged[30] ^= 0xFF
    path = store_with(folder, group(1, b"x") + damaged + group(4, b"later"))
    before = (path / SEGMENT).read_bytes()
    with pytest.raises(
        StoreCorrupt,
        match=r"at byte 63: .* LSN 2 is due there \(BAD_CRC\), and good records follow",
    ):
        veristore.open(path, recovery="tolerate-corrupted-tail")
    assert (path / SEGMENT).read_bytes() == before


@pytest.mark.parametrize("length", [0, 1, 1 << 20, (1 << 32) - 1])
def test_a_damaged_length_is_no_way_to_hide_what_follows(folder: Path, length: int) -> None:
    damaged = bytearray(group(1, b"a" * 40))
    damaged[4:8] = length.to_bytes(4, "little")
    path = store_with(folder, bytes(damaged) + group(2, b"later"))
    with pytest.raises(StoreCorrupt):
        veristore.open(path, recovery="tolerate-corrupted-tail")


def test_a_length_from_garbage_allocates_nothing(folder: Path) -> None:
    garbage = b"\xff" * 4 + ((1 << 32) - 1).to_bytes(4, "little") + b"\xff" * 300
    path = store_with(folder, group(1, b"x") + garbage)
    with veristore.open(path) as store:
        assert store.stats().recovery.torn_bytes == len(garbage)


def test_a_record_of_another_epoch_is_a_ghost_and_no_record(folder: Path) -> None:
    path = store_with(folder, group(1, b"x") + group(2, b"ghost", epoch=9))
    assert keys(path) == [b"k1"]


@pytest.mark.parametrize("lsn", [1, 3, 9])
def test_a_whole_record_out_of_turn_is_refused(folder: Path, lsn: int) -> None:
    path = store_with(folder, group(1, b"x") + group(lsn, b"y"))
    with pytest.raises(StoreCorrupt, match="WRONG_LSN"):
        veristore.open(path, recovery="tolerate-corrupted-tail")


def test_records_larger_than_the_window_and_across_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segment, "_WINDOW_BYTES", 64)
    values = [b"a" * 10, b"b" * 300, b"c" * 30, b"", b"d" * 1000]
    torn = group(6, b"never whole")[:-1]
    path = store_with(folder, b"".join(group(n, v) for n, v in enumerate(values, 1)) + torn)
    with veristore.open(path) as store:
        assert [value for _, value in store.scan()] == values
        assert store.stats().recovery.torn_bytes == len(torn)


def test_two_segments_are_one_log(folder: Path) -> None:
    path = store_with(folder, group(1, b"x", b"y"))
    wal.create_segment(RealDisk(), path, 2, 3).append(group(3, b"z", epoch=2))
    assert keys(path) == [b"k1", b"k2", b"k3"]


def test_segments_that_do_not_meet_are_refused(folder: Path) -> None:
    path = store_with(folder, group(1, b"x", b"y"))
    wal.create_segment(RealDisk(), path, 2, 5).close()
    with pytest.raises(StoreCorrupt, match="missing or misplaced"):
        veristore.open(path, recovery="tolerate-corrupted-tail")


def test_a_segment_cut_short_before_another_one_is_refused(folder: Path) -> None:
    path = store_with(folder, group(1, b"x") + group(2, b"y")[:-1])
    wal.create_segment(RealDisk(), path, 2, 2).close()
    with pytest.raises(StoreCorrupt, match="a later segment exists"):
        veristore.open(path, recovery="tolerate-corrupted-tail")


def test_a_damaged_snapshot_is_refused(folder: Path) -> None:
    path = folder / "store"
    with veristore.open(path) as store:
        for number in range(50):
            store.put(b"%d" % number, b"v" * 50)
        lsn = store.checkpoint()
    snapshot = path / f"snapshot-{lsn:020d}"
    data = snapshot.read_bytes()
    for damaged in (data[:-1], data[:-30], data + b"x", data[:100] + b"?" + data[101:], data[:20]):
        snapshot.write_bytes(damaged)
        with pytest.raises(StoreCorrupt, match="restore a copy"):
            veristore.open(path, recovery="tolerate-corrupted-tail")
    snapshot.write_bytes(data)
    assert len(keys(path)) == 50


def test_anatomy_accounts_for_every_byte(folder: Path) -> None:
    torn = group(4, b"torn")[:-3]
    path = store_with(folder, group(1, b"x", b"y" * 40) + group(3, b"z") + torn)
    frame = log_anatomy(path)
    size = HEADER_BYTES + len(group(1, b"x", b"y" * 40) + group(3, b"z") + torn)
    assert frame["size_bytes"].sum() == size == frame.attrs["size_bytes"]
    assert (frame["offset"].diff().dropna() == frame["size_bytes"].iloc[:-1].to_numpy()).all()
    assert "".join(frame["raw"]) == (path / SEGMENT).read_bytes().hex()
    last = frame.iloc[-1]
    assert (last["name"], last["record"], last["size_bytes"]) == ("torn tail", -1, len(torn))
    types = frame[frame["name"] == "type"]["meaning"].tolist()
    assert types == ["PUT, first of its group", "PUT", "PUT, first of its group"]
    with pytest.raises(NotAStore):
        log_anatomy(folder / "nowhere")
