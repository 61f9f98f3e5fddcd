"""Power cuts between any two disk operations of a node's storage, and in the middle of each."""

from __future__ import annotations

import pytest

from tests.thoroughness import sized
from tests.unit.raft_disk import FOLDER, Step, closed, facts, found, opened, story
from veristack_lab.sim import SimDisk
from veristack_lab.veristore.raft.opening import Opened


def recorded(room_bytes: int) -> tuple[SimDisk, list[tuple[int, Step]]]:
    """The disk at the end of the story, and how many operations were done at each step's end."""
    disk = SimDisk(1)
    steps = [(disk.done, step) for step in story(disk, room_bytes)]
    return disk, steps


def legal_at(steps: list[tuple[int, Step]], point: int) -> Step:
    """What may be found if the power fails after so many operations."""
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
    disk, steps = recorded(room_bytes)
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
    tried, _ = sweep(room_bytes, sized(6, 64), 4, again=0)
    assert tried > 500


def test_a_recovery_may_be_cut_at_any_operation_too() -> None:
    tried, _ = sweep(0, 2, 1, again=sized(1, 8))
    assert tried > 100


@pytest.mark.exhaustive
def test_every_legal_image_at_every_operation() -> None:
    tried, is_exhaustive = sweep(0, 1 << 20, None, again=0)
    assert is_exhaustive
    assert tried > 10_000


def test_the_story_does_everything() -> None:
    disk, steps = recorded(0)
    kinds = {operation.kind for operation in disk.operations}
    assert kinds >= {"create", "pwrite", "fdatasync", "rename", "unlink", "fsync_dir"}
    assert len(steps) == 12
    parts = opened(disk.crash("lost"))
    assert facts(parts.storage.state) == steps[-1][1].legal[-1]
    closed(parts)
