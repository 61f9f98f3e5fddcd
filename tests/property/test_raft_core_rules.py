"""Each rule of the core is needed: without it, a walk breaks a promise, or a script shows it."""

from __future__ import annotations

import random

import pytest

from tests import raft_broken as broken
from tests.golden import raft_scripts
from tests.raft_network import Broken, Network
from tests.raft_walk import walk
from veristack_lab.veristore.raft.core import Raft

MAX_SEEDS = 12
RARE = {
    broken.CommitsOldTerms: "13_figure_8",
    broken.ChangesBeforeItsCommit: "23_change_before_own_commit",
    broken.ChangesSeveralAtOnce: "22_membership",
    broken.CountsOwnVoteEarly: "01_election",
}
"""What a walk meets too seldom, and the script that shows it."""


def story(make: type[Raft]) -> str:
    """The first broken promise within `MAX_SEEDS` walks; empty if there is none."""
    for seed in range(MAX_SEEDS):
        for others in ((), (4, 5)):
            draw = random.Random(seed)
            try:
                network = Network(make=make, others=others)
                walk(network, [draw.getrandbits(30) for _ in range(500)])
            except Broken as found:
                return str(found)
    return ""


def outcome(text: str) -> str:
    """What a script gives now, or the promise that it breaks."""
    try:
        return raft_scripts.run(text)
    except Broken as found:
        return str(found)


@pytest.mark.parametrize(
    "make", [each for each in broken.BROKEN if each not in RARE], ids=lambda make: make.__name__
)
def test_without_the_rule_a_walk_breaks_a_promise(make: type[Raft]) -> None:
    assert story(make)


@pytest.mark.parametrize("make", RARE, ids=lambda make: make.__name__)
def test_without_the_rule_a_script_goes_another_way(
    make: type[Raft], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (raft_scripts.FOLDER / f"{RARE[make]}.txt").read_text()
    monkeypatch.setattr(raft_scripts, "Core", make)
    assert outcome(text) != text
