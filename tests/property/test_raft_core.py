"""Whatever a small network of Raft cores does, the promises of the paper's figure 3 hold."""

from __future__ import annotations

import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.raft_network import Network, Role
from tests.raft_walk import walk
from tests.thoroughness import sized

NUMBERS = st.lists(st.integers(0, 1 << 30), max_size=sized(150, 400))


@settings(max_examples=sized(25, 400), deadline=None)
@given(NUMBERS)
@example([691077515, 170735])  # the rest of a timeout was shorter than the clock can tell
def test_three_nodes_keep_every_promise(numbers: list[int]) -> None:
    network = Network()
    walk(network, numbers)
    assert_serves(network)


@settings(max_examples=sized(15, 300), deadline=None)
@given(NUMBERS, st.sampled_from([(1,), (1, 2), (1, 2, 3, 4)]))
def test_other_sizes_with_changing_members_keep_every_promise(
    numbers: list[int], voters: tuple[int, ...]
) -> None:
    network = Network(voters, others=(5, 6))
    walk(network, numbers)
    assert network.leaders.keys() >= {entry.term for entry in network.committed.values()}


@pytest.mark.parametrize("seed", range(sized(15, 200)))
def test_a_long_walk_commits_and_keeps_every_promise(seed: int) -> None:
    draw = random.Random(seed)
    network = Network(others=(4, 5)) if seed % 2 else Network()
    walk(network, [draw.getrandbits(30) for _ in range(300)])
    assert network.committed
    assert network.leaders


def assert_serves(network: Network) -> None:
    """Once everything works again, what is proposed is committed and read everywhere."""
    network.cut = ()
    network.settle(40)
    leaders = [node for node, each in network.members.items() if each.core.role is Role.LEADER]
    voting = [n for n, m in network.members.items() if n in m.core.configuration.voters]
    leader = max(leaders, key=lambda node: network.members[node].core.term)
    assert leader in voting
    request = network.propose(leader, b"after all")
    read = network.read(leader)
    network.settle(20)
    index, term = network.members[leader].accepted[request]
    configuration = network.members[leader].core.configuration
    for node in configuration.voters:
        assert network.members[node].applied[index - 1].term == term
    assert read in network.members[leader].ready
