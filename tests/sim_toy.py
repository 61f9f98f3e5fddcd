"""A small guest of the simulator for its own tests: nodes that count each other's messages.

It uses every part: network, processes, clocks, plans of faults, histories.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from veristack_lab.sim.choices import Choices
from veristack_lab.sim.clocks import NodeClock, NodeTimers, TimerDue
from veristack_lab.sim.determinism import sealed
from veristack_lab.sim.nemesis import Nemesis, handlers_of
from veristack_lab.sim.network import Delivery, Network
from veristack_lab.sim.processes import Life, Processes
from veristack_lab.sim.swarm import KINDS, Fault, plan_faults
from veristack_lab.sim.trace import Trace
from veristack_lab.sim.world import World

NODES = (1, 2, 3)


class Gossip:
    """A program that sends a number to every other node twice a second or so."""

    def __init__(self, toy: Toy, life: Life) -> None:
        self.toy, self.life = toy, life
        self.heard = 0
        toy.timers[life.node] = NodeTimers(toy.world, toy.clocks[life.node], life)
        self.wait()

    def wait(self) -> None:
        delay_s = self.toy.choices.stream("timer", self.life.node).between(0.2, 0.8)
        self.toy.timers[self.life.node].set("speak", delay_s)

    def handle(self, event: Any) -> None:
        if isinstance(event, TimerDue):
            for other in NODES:
                if other != self.life.node:
                    self.toy.network.send(self.life.node, other, self.heard)
            self.wait()
        else:
            self.heard += 1


class Toy:
    """A world of three gossips."""

    def __init__(self, seed: int, sink: Any = None) -> None:
        self.world = World(trace=Trace(sink=sink))
        self.choices = Choices(seed)
        self.clocks = {node: NodeClock(self.world) for node in NODES}
        self.timers: dict[int, NodeTimers] = {}
        self.network = Network(self.world, self.choices, NODES, self.deliver)
        self.processes = Processes(
            self.world, self.choices, NODES, lambda life: Gossip(self, life), self.cut_power
        )
        for node in NODES:
            self.processes.start(node)
        self.nemesis = Nemesis(self.world, handlers_of(self.network, self.processes, self.timers))

    def deliver(self, delivery: Delivery) -> None:
        self.processes.deliver(delivery.receiver, delivery)

    def cut_power(self, node: int, policy: str, seed: int) -> None:
        self.world.note(f"disk of {node} after a cut of policy {policy}, seed {seed}")


def plan(seed: int) -> tuple[Fault, ...]:
    return plan_faults(Choices(seed), KINDS, NODES, until_s=20.0, mean=12.0)


def run(seed: int, faults: Sequence[Fault] | None = None, sink: Any = None) -> tuple[str, Toy]:
    """The hash of 30 seconds under a plan of faults, and what is there at the end."""
    with sealed():
        toy = Toy(seed, sink)
        toy.nemesis.schedule(plan(seed) if faults is None else faults)
        toy.world.run(until_s=30.0)
        return toy.world.trace.hexdigest(), toy
