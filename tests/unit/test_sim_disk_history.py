"""A simulated disk for long runs: it keeps its newest operation only, and nothing else differs."""

from __future__ import annotations

from pathlib import Path

import pytest

from veristack_lab.errors import InvalidInput
from veristack_lab.sim import POLICIES, SimDisk

FOLDER = Path("/d")


def story(disk: SimDisk) -> SimDisk:
    disk.make_dir(FOLDER)
    file = disk.open(FOLDER / "log", create=True)
    disk.fsync_dir(FOLDER)
    for number in range(20):
        file.append(bytes([number]) * 300)
        if number % 3:
            file.fdatasync()
    disk.open(FOLDER / "other", create=True).append(b"x" * 100)
    file.append(b"last" * 200)
    return disk


def test_only_the_newest_operation_is_kept() -> None:
    disk = story(SimDisk(history=False))
    whole = story(SimDisk())
    assert [str(each) for each in disk.operations] == [str(whole.operations[-1])]
    assert disk.done == whole.done == len(whole.operations) > 30
    assert disk.operations[-1].index == whole.operations[-1].index


def test_every_power_cut_is_the_same_with_and_without_history() -> None:
    bounded, whole = story(SimDisk(3, history=False)), story(SimDisk(3))
    assert bounded.tree_digest() == whole.tree_digest()
    choices = [image.choice for image in whole.images(64)]
    assert [image.choice for image in bounded.images(64)] == choices
    assert any("=t" in choice for choice in choices), "the write under way can be torn"
    for policy in POLICIES:
        for seed in range(5):
            cut = bounded.crash(policy, seed)
            assert cut.tree_digest() == whole.crash(policy, seed).tree_digest()
            assert not cut.keeps_history
    assert not bounded.clone().keeps_history
    assert not bounded.after_kill().keeps_history


def test_without_history_there_is_no_trace_to_name() -> None:
    with pytest.raises(InvalidInput, match="keeps no history"):
        SimDisk(history=False).trace_hash()
