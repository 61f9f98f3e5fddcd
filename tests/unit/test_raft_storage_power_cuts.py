"""Power cuts between any two disk operations of a node's storage, and in the middle of each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.thoroughness import sized
from tests.unit.raft_disk import (
    FOLDER,
    Step,
    closed,
    facts,
    found,
    opened,
    overwritten,
    story,
)
from veristack_lab.errors import StoreCorrupt
from veristack_lab.sim import SimDisk
from veristack_lab.veristore.raft.entries import Entry, SnapshotMeta
from veristack_lab.veristore.raft.opening import Opened
from veristack_lab.veristore.raft.records import encode_drop, encode_entry, encode_term
from veristack_lab.veristore.raft.snapshot_file import name_of
from veristack_lab.veristore.raft.snapshots import Snapshots
from veristack_lab.veristore.raft.storage import Storage, write_segment
from veristack_lab.veristore.wal import log as wal


def recorded(room_bytes: int) -> tuple[SimDisk, list[tuple[int, Step]]]:
    """The disk at the end of the story, and how many operations were done at each step's end."""
    disk = SimDisk(1)
    steps = [(disk.done, step) for step in story(disk, room_bytes)]
    return disk, steps


def legal_at(steps: list[tuple[int, Step]], point: int) -> Step:
    """What may be found if the power fails after `point` operations."""
    for end, step in steps:
        if point < end:
            return step
    end, last = steps[-1]
    return last._replace(legal=last.legal[-1:])


def check(parts: Opened, step: Step, where: str) -> None:
    assert facts(parts.storage.state) in step.legal, f"{where}, in step {step.name!r}"
    assert not parts.recovered.must_not_vote, f"{where}: a power cut is no damage"
    assert not parts.recovered.remarks, where
    names = parts.storage._disk.listdir(FOLDER)
    assert len([name for name in names if name.startswith("log-")]) == 1, names
    assert not [name for name in names if name.endswith(".tmp")], names


def sweep(room_bytes: int, limit: int, byte_cuts: int | None, *, again: int) -> tuple[int, bool]:
    """Every image at every operation. Returns how many, and whether all legal ones were tried."""
    return sweep_of(*recorded(room_bytes), room_bytes, limit, byte_cuts, again=again)


def sweep_of(
    disk: SimDisk,
    steps: list[tuple[int, Step]],
    room_bytes: int,
    limit: int,
    byte_cuts: int | None,
    *,
    again: int,
) -> tuple[int, bool]:
    tried, is_exhaustive = 0, True
    replayed = SimDisk(1)
    for point in range(len(disk.operations) + 1):
        if point:
            replayed.apply(disk.operations[point - 1])
        step = legal_at(steps, point)
        images = replayed.images(limit, byte_cuts=byte_cuts)
        is_exhaustive = is_exhaustive and images.is_exhaustive
        for number, image in enumerate(images):
            cut = replayed.image(image.choice)
            where = f"operation {point}, image {image.choice}"
            parts = opened(cut, room_bytes=room_bytes)
            check(parts, step, where)
            tried += 1
            if number < again:
                once = facts(parts.storage.state)
                for inner in range(cut.done + 1):
                    second = replayed.image(image.choice)
                    for operation in cut.operations[:inner]:
                        second.apply(operation)
                    for policy in ("lost", "kept", "any"):
                        after, parts = found(second.crash(policy, inner), room_bytes)
                        assert after == once, f"{where}; recovery cut at {inner}, {policy}"
                        check(parts, step, where)
    return tried, is_exhaustive


@pytest.mark.parametrize("room_bytes", [0, 8192])
def test_what_was_answered_is_there_after_a_cut_at_any_operation(room_bytes: int) -> None:
    tried, _ = sweep(room_bytes, sized(16, 128), 4, again=0)
    assert tried > 300


def test_a_recovery_may_be_cut_at_any_operation_too() -> None:
    tried, _ = sweep(0, 2, 1, again=sized(1, 8))
    assert tried > 100


@pytest.mark.parametrize("what", ["log", "header", "snapshot"])
def test_a_cut_while_damage_is_put_aside_does_not_forget_it(what: str) -> None:
    disk, _ = recorded(0)
    names = disk.listdir(FOLDER)
    log = next(name for name in names if name.startswith("log-"))
    snapshot = next(name for name in names if name.startswith("raft-snapshot-"))
    place = {"log": (log, 300), "header": (log, 20), "snapshot": (snapshot, 60)}[what]
    rotten = overwritten(disk, *place, b"\xff\xff\xff")
    done = rotten.clone()
    once, parts = found(done)
    assert parts.recovered.must_not_vote == (what != "header")
    replayed, tried = rotten.clone(), 0
    for point in range(len(done.operations) + 1):
        if point:
            replayed.apply(done.operations[point - 1])
        for image in replayed.images(sized(32, 1024), byte_cuts=8):
            again, after = found(replayed.image(image.choice))
            assert again == once, f"operation {point}, image {image.choice}"
            assert after.recovered.must_not_vote == parts.recovered.must_not_vote
            assert after.recovered.term_lost == parts.recovered.term_lost
            tried += 1
    assert tried > 40


@pytest.mark.exhaustive
def test_every_legal_image_at_every_operation() -> None:
    tried, is_exhaustive = sweep(0, 1 << 20, None, again=0)
    assert is_exhaustive
    assert tried > 5_000


def without_sync(log: wal.Log) -> None:
    log.durable_lsn = log.next_lsn - 1


def without_name(self: Snapshots, temporary: Path, meta: SnapshotMeta) -> None:
    self._disk.rename(temporary, FOLDER / name_of(meta))


def the_wrong_way_round(self: Storage) -> None:
    self._log.sync()
    self._log.close()
    self._disk.unlink(wal.path_of(FOLDER, self._log.epoch))
    self._disk.fsync_dir(FOLDER)
    file, next_lsn = write_segment(self._disk, FOLDER, self._log.epoch + 1, self.state)
    self._log = wal.Log(self._disk, FOLDER, self._log.epoch + 1, next_lsn, file)


def in_two_writes(
    self: Storage, term: int, vote: int, entries: Sequence[Entry] = (), drop_from: int = 0
) -> None:
    state, before = self.state, self.state.vote
    state.set_term(term, vote)
    self._append([encode_term(term, before)])
    self.sync()
    if drop_from:
        state.drop(drop_from)
    state.entries.extend(entries)
    drops = [encode_drop(drop_from)] if drop_from else []
    self._append([encode_term(term, vote), *drops, *map(encode_entry, entries)])


@pytest.mark.parametrize(
    ("owner", "name", "broken"),
    [
        (wal.Log, "sync", without_sync),
        (Snapshots, "_publish", without_name),
        (Storage, "_begin_segment", the_wrong_way_round),
        (Storage, "write", in_two_writes),
    ],
)
def test_the_sweep_notices_what_is_left_out(
    monkeypatch: pytest.MonkeyPatch, owner: type, name: str, broken: object
) -> None:
    monkeypatch.setattr(owner, name, broken)
    disk, steps = recorded(0)
    monkeypatch.undo()
    with pytest.raises((AssertionError, StoreCorrupt)):
        sweep_of(disk, steps, 0, 16, 4, again=0)


def test_the_story_does_everything() -> None:
    disk, steps = recorded(0)
    kinds = {operation.kind for operation in disk.operations}
    assert kinds >= {"create", "pwrite", "fdatasync", "rename", "unlink", "fsync_dir"}
    assert len(steps) == 12
    parts = opened(disk.crash("lost"))
    assert facts(parts.storage.state) == steps[-1][1].legal[-1]
    closed(parts)
