"""A cluster in a world: nodes, disks, network, clients and faults, all from one seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from veristack_lab.errors import StoreError
from veristack_lab.sim.choices import Choices
from veristack_lab.sim.clocks import NodeClock, NodeTimers
from veristack_lab.sim.cluster.disks import FOLDER, Device
from veristack_lab.sim.cluster.members import (
    Ask,
    Listener,
    Member,
    SimClients,
    SimRandom,
    SimTransport,
    heard,
)
from veristack_lab.sim.cluster.scenario import Scenario
from veristack_lab.sim.nemesis import Handler, Nemesis, Undo, handlers_of
from veristack_lab.sim.network import Delivery, Network
from veristack_lab.sim.processes import Life, Processes
from veristack_lab.sim.swarm import Fault
from veristack_lab.sim.world import World
from veristack_lab.veristore.raft.answers import Answer
from veristack_lab.veristore.raft.configuration import Configuration
from veristack_lab.veristore.raft.core import Raft
from veristack_lab.veristore.raft.node import Node, NodeOptions
from veristack_lab.veristore.raft.opening import open_node
from veristack_lab.veristore.raft.protocols import Outside
from veristack_lab.veristore.raft.records import Identity

CLUSTER_ID = 1
RESTART_S = 0.5
"""How long a supervisor waits before it starts a node again that stopped itself."""


class Restart(NamedTuple):
    """The supervisor starts a node."""

    node: int


class Cluster:
    """The nodes of one run and everything around them.

    Args:
        scenario, seed: decide what happens.
        listener: hears of every step.
        core_type: what makes a core: `Raft`, or an exhibit derived from it.
        answered: is given each answer of a node.
    """

    name = "supervisor"

    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        listener: Listener,
        answered: Callable[[Answer], None],
        core_type: Callable[..., Raft] = Raft,
    ) -> None:
        self.scenario, self.choices = scenario.checked(), Choices(seed)
        self.world = World(describe=_in_short)
        self.ids = tuple(range(1, scenario.nodes + 1))
        self.configuration = Configuration(self.ids)
        self.clocks = {node: NodeClock(self.world) for node in self.ids}
        self.devices = {
            node: Device(self.world, seed * 16 + node, self.choices.stream("disk", node))
            for node in self.ids
        }
        self.timers: dict[int, NodeTimers] = {
            node: NodeTimers(self.world, self.clocks[node], self) for node in self.ids
        }
        self.network = Network(self.world, self.choices, self.ids, self._deliver)
        self.processes = Processes(self.world, self.choices, self.ids, self._boot, self._cut_power)
        handlers = handlers_of(self.network, self.processes, self.timers)
        self.nemesis = Nemesis(self.world, {**handlers, **self._disk_handlers()})
        self._answered = answered
        self._make_core = heard(core_type, listener)
        self._options = NodeOptions(
            settings=scenario.settings, snapshot_entries=scenario.snapshot_entries
        )
        self.refusals: list[tuple[float, int, str]] = []
        """Starts that failed: when, which node, and why."""

    def __repr__(self) -> str:
        return f"Cluster({self.processes!r} at {self.world.now_s:g} s)"

    def start(self) -> None:
        """Start every node."""
        for node in self.ids:
            self.processes.start(node)

    def handle(self, event: Restart) -> None:
        """The supervisor's turn."""
        self.processes.start(event.node)

    def ask(self, node: int, ask: Ask) -> None:
        """A client's request arrives at a node; lost if the node is down."""
        self.processes.deliver(node, ask)

    def member(self, node: int) -> Node | None:
        """The running node, if its process is up or paused."""
        program = self.processes.program(node)
        return program.node if isinstance(program, Member) else None

    # ------------------------------------------------------------------- lives

    def _boot(self, life: Life) -> Any:
        node = life.node
        disk = self.devices[node].attach()
        self.timers[node].clear()
        timers = self.timers[node] = NodeTimers(self.world, self.clocks[node], life)
        outside = Outside(
            self.clocks[node],
            timers,
            SimTransport(self.network, node),
            SimRandom(self.choices, node, life.number),
            SimClients(self._answered),
        )
        identity = Identity(CLUSTER_ID, node, self.configuration)
        try:
            made = Node(
                open_node(disk, FOLDER, identity, room_bytes=0),
                self._make_core,
                outside,
                self._options,
                sync_later=lambda: self.devices[node].sync_later(life),
            )
        except StoreError as error:
            self.refusals.append((self.world.now_s, node, str(error)))
            self._stopped(life)
            return None
        made.start()
        if made.failure:
            self._stopped(life)
        return Member(made, CLUSTER_ID, lambda: self._stopped(life))

    def _stopped(self, life: Life) -> None:
        """A node stopped itself, as after a failed sync: its supervisor starts it again."""
        life.end()
        self.world.after(RESTART_S, self, Restart(life.node))

    def _deliver(self, delivery: Delivery) -> None:
        self.processes.deliver(delivery.receiver, delivery)

    def _cut_power(self, node: int, policy: str, seed: int) -> None:
        self.devices[node].cut_power(policy, seed)

    # ------------------------------------------------------------------ faults

    def _disk_handlers(self) -> dict[str, Handler]:
        def device(fault: Fault) -> Device:
            return self.devices[fault.target[0]]

        def fail_sync(fault: Fault) -> Undo | None:
            device(fault).fail_sync()
            return None

        return {
            "slow-disk": lambda fault: device(fault).slow(fault.parameter("sync_s")),
            "hung-disk": lambda fault: device(fault).hang(),
            "full-disk": lambda fault: device(fault).fill(),
            "sync-error": fail_sync,
        }


def _in_short(event: Any) -> str:
    """An event for the trace: everything that could differ between two runs, and no content."""
    delivery = getattr(event, "delivery", event)
    if isinstance(delivery, Delivery):
        message = delivery.message
        head = " ".join(str(field) for field in message if isinstance(field, int))
        way = f"{delivery.sender}>{delivery.receiver} #{delivery.number}"
        return f"{way} {type(message).__name__} {head}"
    return repr(event)
