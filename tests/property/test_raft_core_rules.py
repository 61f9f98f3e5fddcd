"""Each rule of the core is needed: without it, a walk breaks a promise, or a script shows it."""

from __future__ import annotations

import random

import pytest

from tests.golden import raft_scripts
from tests.raft_broken import BROKEN
from tests.raft_network import Broken, Network
from tests.raft_walk import walk
from veristack_lab.veristore.raft.core import Raft

MAX_SEEDS = 12
RARE = {
    "older-term-counted": "13_figure_8",
    "change-before-own-commit": "23_change_before_own_commit",
    "several-changes-at-once": "22_membership",
    "campaign-before-sync": "01_election",
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


@pytest.mark.parametrize("name", [name for name in BROKEN if name not in RARE])
def test_without_the_rule_a_walk_breaks_a_promise(name: str) -> None:
    assert story(BROKEN[name])


@pytest.mark.parametrize("name", RARE)
def test_without_the_rule_a_script_goes_another_way(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (raft_scripts.FOLDER / f"{RARE[name]}.txt").read_text()
    monkeypatch.setattr(raft_scripts, "Core", BROKEN[name])
    assert outcome(text) != text
