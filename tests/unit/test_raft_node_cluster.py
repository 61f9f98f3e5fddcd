"""Three nodes with the real core: what their disks do to the cluster, and it to them."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.raft_disk import CLUSTER, FOLDER, ME
from veristack_lab.sim import SimClock, SimDisk
from veristack_lab.sim.disk.inode import FileState
from veristack_lab.veristore.raft import commands
from veristack_lab.veristore.raft.answers import Answer, Outcome, Query
from veristack_lab.veristore.raft.commands import Command
from veristack_lab.veristore.raft.core import Raft
from veristack_lab.veristore.raft.effects import Role
from veristack_lab.veristore.raft.errors import WrongNode
from veristack_lab.veristore.raft.events import Timer, TimerFired
from veristack_lab.veristore.raft.messages import Message
from veristack_lab.veristore.raft.node import Node, NodeOptions
from veristack_lab.veristore.raft.opening import open_node
from veristack_lab.veristore.raft.protocols import Outside
from veristack_lab.veristore.raft.settings import Settings

OPTIONS = NodeOptions(Settings(kept_entries=5, chunk_bytes=300), snapshot_entries=20)
DELAY_S = 0.001
HANGS_S = 1000.0


class Member:
    """What is outside one node, and the node while it runs."""

    def __init__(self, cluster: Cluster, number: int) -> None:
        self.cluster, self.number = cluster, number
        self.disk = SimDisk(number, history=False)
        self.random = random.Random(f"{number}")
        self.answers: dict[int, Answer] = {}
        self.deadlines: dict[Timer, int] = {}
        self.node: Node | None = None
        self.sync_s: float | None = None
        """How long the disk takes for a sync; None: no time at all."""

    def start(self, disk: SimDisk | None = None) -> Node:
        self.disk = disk or self.disk
        identity = ME._replace(node_id=self.number)
        parts = open_node(self.disk, FOLDER, identity, room_bytes=0)
        outside = Outside(self.cluster.clock, self, self, self.random, self)
        later = None if self.sync_s is None else self.sync_later
        self.node = node = Node(parts, Raft, outside, OPTIONS, sync_later=later)
        node.start()
        return node

    def sync_later(self) -> None:
        node, sync_s = self.node, self.sync_s
        assert sync_s is not None
        if sync_s < HANGS_S:
            self.cluster.after(sync_s, lambda _: node.flush() if node is self.node else None)

    def power_off(self) -> None:
        self.node, self.deadlines = None, {}
        self.disk = self.disk.crash("any", self.cluster.events)

    def set(self, timer: Timer, after_s: float) -> None:
        self.deadlines[timer] = self.cluster.after(after_s, lambda number: self.fire(timer, number))

    def stop(self, timer: Timer) -> None:
        self.deadlines.pop(timer, None)

    def fire(self, timer: Timer, number: int) -> None:
        if self.node is not None and self.deadlines.get(timer) == number:
            self.node.handle(TimerFired(timer))

    def send(self, to: int, message: Message) -> None:
        self.cluster.after(DELAY_S, lambda _: self.cluster.deliver(self.number, to, message))

    def answer(self, answer: Answer) -> None:
        self.answers[answer.request_id] = answer


class Cluster:
    """Three members, a clock, and events in the order of their time."""

    def __init__(self, sync_s: float | None = None) -> None:
        self.clock, self.events = SimClock(), 0
        self.waiting: list[tuple[float, int, Callable[[int], None]]] = []
        self.cut_off: set[int] = set()
        self.requests = 0
        self.members = {number: Member(self, number) for number in (1, 2, 3)}
        for member in self.members.values():
            member.sync_s = sync_s
            member.start()

    def after(self, seconds: float, do: Callable[[int], None]) -> int:
        self.events += 1
        at_s = self.clock.monotonic_s() + seconds
        heapq.heappush(self.waiting, (at_s, self.events, do))
        return self.events

    def deliver(self, sender: int, to: int, message: Message) -> None:
        node = self.members[to].node
        if node is not None and not {sender, to} & self.cut_off:
            node.receive(CLUSTER, sender, message)

    def until(self, condition: Callable[[], Any], limit_s: float = 20.0) -> None:
        end_s = self.clock.monotonic_s() + limit_s
        while not condition():
            at_s, number, do = heapq.heappop(self.waiting)
            assert at_s < end_s, "it did not come to this in time"
            self.clock.advance(max(0.0, at_s - self.clock.monotonic_s()))
            do(number)

    @property
    def nodes(self) -> list[Node]:
        return [member.node for member in self.members.values() if member.node is not None]

    def leader(self) -> Node | None:
        leading = [
            node
            for node in self.nodes
            if node.status().role is Role.LEADER
            and not node.status().failure
            and node.status().node_id not in self.cut_off
        ]
        return max(leading, key=lambda node: node.status().term, default=None)

    def ask(self, request: Callable[[Node, int], None]) -> Answer:
        """Ask whichever node leads, until the answer is that it is done."""
        while True:
            self.until(lambda: self.leader() is not None)
            leader = self.leader()
            assert leader is not None
            answer = self.answer_of(leader, request)
            if answer is not None and answer.outcome is Outcome.DONE:
                return answer

    def answer_of(self, leader: Node, request: Callable[[Node, int], None]) -> Answer | None:
        """The answer, or None if the node no longer leads."""
        answers = self.members[leader.status().node_id].answers
        self.requests += 1
        number = self.requests
        request(leader, number)
        self.until(lambda: number in answers or self.leader() is not leader)
        return answers.get(number)

    def do(self, command: Command) -> Answer:
        return self.ask(lambda node, number: node.propose(number, command))

    def read(self, key: bytes) -> bytes | None:
        return self.ask(lambda node, number: node.read(number, Query(key))).value

    def fill(self, first: int, behind: int) -> None:
        for number in range(first, behind):
            self.do(commands.put(b"%03d" % number, b"v" * 50))

    def agree(self) -> bool:
        hashes = {node.machine.state_hash() for node in self.nodes}
        return len(hashes) == 1 and len(self.nodes) == 3


def follower_of(cluster: Cluster) -> Member:
    leader = cluster.leader()
    assert leader is not None
    number = next(n for n in (1, 2, 3) if n != leader.status().node_id)
    return cluster.members[number]


def test_commands_are_executed_once_and_everywhere() -> None:
    cluster = Cluster()
    opened = cluster.do(commands.OPEN_SESSION).reply
    assert opened is not None
    swap = commands.swap(b"k", None, b"1").within(opened.number, 1)
    first = cluster.do(swap).reply
    assert cluster.do(swap).reply == first
    assert cluster.read(b"k") == b"1"
    cluster.until(cluster.agree)
    for node in cluster.nodes:
        status = node.status()
        assert status.durable_index == status.last_index >= status.commit >= status.applied > 2


def test_all_restart_at_once_and_nothing_is_lost() -> None:
    cluster = Cluster()
    cluster.fill(0, 30)
    for member in cluster.members.values():
        member.power_off()
    for member in cluster.members.values():
        member.start()
    assert cluster.read(b"029") == b"v" * 50
    cluster.until(cluster.agree)


def test_a_node_that_was_away_is_sent_a_snapshot_in_chunks() -> None:
    cluster = Cluster()
    cluster.fill(0, 3)
    away = follower_of(cluster)
    away.power_off()
    cluster.fill(3, 60)
    node = away.start()
    cluster.until(cluster.agree)
    assert node.status().snapshot_index >= 40
    assert node.status().first_index > 20
    assert node.machine.get(b"059") == b"v" * 50


def test_a_disk_older_than_its_peers_catches_up_with_the_next_leader_at_the_latest() -> None:
    cluster = Cluster()
    cluster.fill(0, 5)
    away = follower_of(cluster)
    cluster.until(cluster.agree)
    copy = away.disk.crash("lost")
    cluster.fill(5, 12)
    away.power_off()
    node = away.start(copy)
    assert node.status().last_index < 12
    leader = cluster.leader()
    assert leader is not None
    other = next(n for n in (1, 2, 3) if n not in (away.number, leader.status().node_id))
    cluster.ask(lambda asked, number: asked.transfer(number, other))
    cluster.until(cluster.agree)
    assert cluster.read(b"011") == b"v" * 50


def test_a_disk_newer_than_its_peers_is_cut_back_to_what_was_committed() -> None:
    cluster = Cluster()
    cluster.fill(0, 5)
    leader = cluster.leader()
    assert leader is not None
    number = leader.status().node_id
    cluster.cut_off = {number}
    for request in (101, 102, 103):
        leader.propose(request, commands.put(b"alone", b"%d" % request))
    newer = leader.status().last_index
    cluster.members[number].power_off()
    cluster.fill(5, 6)
    assert cluster.nodes[0].status().last_index < newer
    cluster.cut_off = set()
    cluster.members[number].start()
    cluster.until(cluster.agree)
    assert cluster.read(b"alone") is None
    assert cluster.read(b"005") == b"v" * 50


def test_a_damaged_node_does_not_vote_until_its_peers_have_repaired_it() -> None:
    cluster = Cluster()
    cluster.fill(0, 8)
    damaged = follower_of(cluster)
    damaged.power_off()
    disk = damaged.disk
    path, inode = next((p, i) for p, i in disk.paths().items() if "/log-" in p)
    content = disk.files[inode].cached
    at = bytes(content).index(b"003vvv")
    disk.files[inode] = FileState.at_rest(content.written(at, b"\xff"))
    node = damaged.start()
    assert node.status().must_not_vote
    assert path.rpartition("/")[2] in node.status().health
    cluster.until(lambda: not node.status().must_not_vote)
    cluster.until(cluster.agree)
    damaged.power_off()
    assert not damaged.start().status().must_not_vote


@pytest.mark.parametrize("whose", ["leader", "follower"])
def test_a_full_disk_stops_one_node_and_the_others_go_on(whose: str) -> None:
    cluster = Cluster()
    cluster.fill(0, 3)
    leader = cluster.leader()
    assert leader is not None
    number = leader.status().node_id
    full = cluster.members[number] if whose == "leader" else follower_of(cluster)
    full.disk.fail("no-space", path="log-*", times=None)
    cluster.fill(3, 8)
    node = full.node
    assert node is not None
    cluster.until(lambda: node.status().failure)
    assert "full" in node.status().failure
    full.power_off()
    full.disk.heal()
    full.start()
    cluster.fill(8, 9)
    cluster.until(cluster.agree)
    assert cluster.read(b"007") == b"v" * 50


def test_slow_disks_make_it_slower_and_nothing_else() -> None:
    slow = Cluster(sync_s=0.02)
    slow.fill(0, 30)
    away = follower_of(slow)
    away.power_off()
    slow.fill(30, 60)
    away.start()
    slow.until(slow.agree)
    assert slow.read(b"059") == b"v" * 50
    assert max(node.status().durable_index for node in slow.nodes) >= 60


@pytest.mark.parametrize("whose", ["leader", "follower"])
def test_a_disk_that_hangs_costs_the_cluster_one_node(whose: str) -> None:
    cluster = Cluster(sync_s=0.002)
    cluster.fill(0, 3)
    leader = cluster.leader()
    assert leader is not None
    number = leader.status().node_id
    hanging = cluster.members[number] if whose == "leader" else follower_of(cluster)
    hanging.sync_s = HANGS_S
    node = hanging.node
    assert node is not None
    durable = node.status().durable_index
    if whose == "leader":
        node.propose(999, commands.put(b"lost", b"with its leader's disk"))
        cluster.until(lambda: node.status().role is not Role.LEADER)
    cluster.fill(3, 12)
    assert node.status().durable_index <= durable + 1
    assert node.status().disk_jobs > 0
    assert not node.status().failure
    hanging.power_off()
    hanging.sync_s = 0.002
    hanging.start()
    cluster.until(cluster.agree)
    assert cluster.read(b"011") == b"v" * 50


def test_the_disk_of_another_node_is_refused() -> None:
    cluster = Cluster()
    with pytest.raises(WrongNode):
        cluster.members[1].start(cluster.members[2].disk.crash("lost"))


def test_the_same_run_twice_is_the_same() -> None:
    def run() -> list[tuple[object, ...]]:
        cluster = Cluster()
        cluster.fill(0, 25)
        follower_of(cluster).power_off()
        cluster.fill(25, 30)
        return [(cluster.events, cluster.clock.monotonic_s())] + [
            (node.status(), node.machine.state_hash()) for node in cluster.nodes
        ]

    assert run() == run()
