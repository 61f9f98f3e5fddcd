"""A random walk through a small network of Raft cores: what may happen, and how likely."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.raft_network import Network, Role
from veristack_lab.veristore.raft import events as ev
from veristack_lab.veristore.raft.configuration import Change, ChangeKind
from veristack_lab.veristore.raft.events import Timer

ACTIONS = (
    *["deliver"] * 14,
    *["sync"] * 6,
    *["propose"] * 3,
    *["fire"] * 3,
    "elect",
    "late",
    "duplicate",
    "drop",
    "drop",
    "crash",
    "half-crash",
    "crash-all",
    "read",
    "read",
    "snapshot",
    "transfer",
    "change",
    "calm",
    "calm",
    "cut",
    "cut",
    "lead",
    "lead",
    "heal",
    "burst",
)
"""What a step may be; names that stand here several times are likelier."""


def act(network: Network, name: str, number: int) -> None:
    """One action; `number` chooses among what it may concern."""
    nodes = sorted(network.members)
    node = nodes[number % len(nodes)]
    rest = number // len(nodes)
    leaders = [n for n in nodes if network.members[n].core.role is Role.LEADER]
    asked = leaders[rest % len(leaders)] if leaders else node
    table: dict[str, Callable[[], object]] = {
        "deliver": lambda: network.deliver(0 if rest % 4 else number),
        "sync": lambda: network.sync(node, 1 + rest % 3 if rest % 2 else 1 << 30),
        "propose": lambda: network.propose(asked),
        "fire": lambda: network.fire(node),
        "elect": lambda: _elect(network, node),
        "late": lambda: network.deliver(-1 - rest % 8),
        "duplicate": lambda: network.deliver(number, keep=True),
        "drop": lambda: network.drop(number),
        "crash": lambda: network.restart(node),
        "half-crash": lambda: network.half_crash(node, rest % 3),
        "crash-all": lambda: [network.restart(each) for each in nodes] if rest % 4 == 0 else None,
        "read": lambda: network.read(asked if rest % 3 else node),
        "snapshot": lambda: network.take_snapshot(node),
        "transfer": lambda: network.step(asked, ev.TransferAsked(node)),
        "change": lambda: _change(network, asked, node, rest),
        "cut": lambda: setattr(network, "cut", (asked if rest % 2 else node,)),
        "heal": lambda: setattr(network, "cut", ()),
        "burst": lambda: [network.propose(asked) for _ in range(1 + rest % 4)],
        "lead": lambda: [_elect(network, node), _calm(network, 16)],
        "calm": lambda: _calm(network, 12),
    }
    table[name]()


def _elect(network: Network, node: int) -> None:
    """All clocks pass an election timeout, and one node notices first."""
    for member in network.members.values():
        member.clock_s += network.settings.election_high_s
    network.fire(node, Timer.ELECTION)


def _change(network: Network, asked: int, node: int, rest: int) -> None:
    kinds = (ChangeKind.ADD_LEARNER, ChangeKind.PROMOTE, ChangeKind.REMOVE)
    network.request += 1
    change = Change(kinds[rest % 3], node)
    network.step(asked, ev.ChangeAsked(network.request, change))


def _calm(network: Network, steps: int) -> None:
    """Everything that is on its way arrives in order, and disks are quick."""
    for _ in range(steps):
        for node in sorted(network.members):
            network.sync(node)
        network.deliver(0)


def walk(network: Network, numbers: Sequence[int]) -> None:
    """Take one action for each number."""
    for number in numbers:
        act(network, ACTIONS[number % len(ACTIONS)], number // len(ACTIONS))
