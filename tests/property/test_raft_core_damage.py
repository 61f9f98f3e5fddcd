"""A disk that loses what was durable: `must_not_vote` keeps every promise, and is needed."""

from __future__ import annotations

import random

import pytest

from tests.raft_network import Broken, Network
from tests.raft_walk import walk
from tests.thoroughness import sized


def damage(network: Network, node: int, draw: random.Random, marked: bool) -> None:
    """The end of a node's log rots, anywhere after its snapshot; if `marked`, storage notices."""
    disk = network.members[node].disk
    kept = max((disk.snapshot.index if disk.snapshot else 0) - disk.before[0], 0)
    del disk.entries[draw.randint(kept, max(kept, len(disk.entries))) :]
    network.restart(node, must_not_vote=marked)


def damaged_walk(seed: int, *, marked: bool = True) -> int:
    """A walk in which one disk at a time is damaged; how many repairs were completed."""
    draw = random.Random(seed)
    network = Network((1, 2, 3) if seed % 2 else (1, 2, 3, 4, 5))
    damages = 0
    for _ in range(20):
        walk(network, [draw.getrandbits(30) for _ in range(12)])
        hurt = [each for each in network.members.values() if each.damage]
        if not hurt and draw.random() < 0.5:
            damage(network, draw.choice(list(network.members)), draw, marked)
            damages += 1
        elif hurt and draw.random() < 0.3:
            network.cut = ()
            network.settle(6)
    return damages - any(each.damage for each in network.members.values())


def test_damage_of_one_disk_at_a_time_breaks_no_promise() -> None:
    repairs = [damaged_walk(seed) for seed in range(sized(12, 200))]
    assert sum(repairs) > len(repairs)


def unmarked_walks() -> None:
    for seed in range(12):
        damaged_walk(seed, marked=False)


def test_without_the_mark_a_promise_breaks() -> None:
    with pytest.raises(Broken, match=r"completeness|safety|durable|halts|matching"):
        unmarked_walks()
