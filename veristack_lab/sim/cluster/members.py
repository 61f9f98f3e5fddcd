"""One node of a simulated cluster: veristore's own `Node`, with a simulated outside.

Nothing of the node is replaced but what it touches the world with: its disk, clock, timers,
network, randomness and clients. Each step of its core is told to a listener.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from veristack_lab.sim.choices import Choices, Stream
from veristack_lab.sim.clocks import TimerDue
from veristack_lab.sim.cluster.disks import Flush
from veristack_lab.sim.network import Delivery, Network
from veristack_lab.veristore.raft.answers import Answer, Query
from veristack_lab.veristore.raft.commands import Command
from veristack_lab.veristore.raft.configuration import Change, Configuration
from veristack_lab.veristore.raft.core import Raft
from veristack_lab.veristore.raft.effects import Effect
from veristack_lab.veristore.raft.events import Event, Restored, Timer, TimerFired
from veristack_lab.veristore.raft.messages import Message
from veristack_lab.veristore.raft.node import Node
from veristack_lab.veristore.raft.settings import Settings


class Ask(NamedTuple):
    """The event of a node: a client's request arrives."""

    request_id: int
    what: Command | Query | Change | int
    """A command, a read, a change of the configuration, or whom to hand leadership to."""


class Listener(Protocol):
    """Hears of everything that a core is told and answers."""

    def began(self, node: int, configuration: Configuration, restored: Restored) -> None:
        """A core was made."""

    def stepped(self, node: int, core: Any, event: Event, effects: list[Effect]) -> None:
        """A core took an event; its effects were not carried out yet."""


class HeardCore:
    """A core whose every step is told to a listener."""

    def __init__(self, core: Raft, listener: Listener) -> None:
        self._core, self._listener = core, listener

    def __getattr__(self, name: str) -> Any:
        return getattr(self._core, name)

    def step(self, event: Event, now_s: float) -> list[Effect]:
        """See `Raft.step`."""
        effects = self._core.step(event, now_s)
        self._listener.stepped(self._core.node_id, self._core, event, effects)
        return effects


def heard(core_type: Callable[..., Raft], listener: Listener) -> Callable[..., Any]:
    """What makes cores of a type that a listener hears."""

    def make(
        node_id: int, configuration: Configuration, settings: Settings, restored: Restored
    ) -> HeardCore:
        listener.began(node_id, configuration, restored)
        return HeardCore(core_type(node_id, configuration, settings, restored), listener)

    return make


class SimTransport:
    """Implements `protocols.Transport`."""

    def __init__(self, network: Network, node: int) -> None:
        self._network, self._node = network, node

    def send(self, to: int, message: Message) -> None:
        """See `Transport.send`."""
        self._network.send(self._node, to, message)


class SimRandom:
    """Implements `protocols.Random` with the draws of a stream."""

    def __init__(self, choices: Choices, node: int, life: int) -> None:
        self._stream: Stream = choices.stream("node", node, life)

    def uniform(self, a: float, b: float) -> float:
        """See `Random.uniform`."""
        return self._stream.between(a, b)

    def getrandbits(self, k: int, /) -> int:
        """See `Random.getrandbits`; at most 64 of them."""
        return self._stream.bits() >> (64 - k)


class SimClients:
    """Implements `protocols.Clients`: hands each answer on."""

    def __init__(self, answered: Callable[[Answer], None]) -> None:
        self.answer = answered


class Member:
    """The program of one life of a node's process. Implements `processes.Program`."""

    def __init__(self, node: Node, cluster_id: int, ended: Callable[[], None]) -> None:
        self.node, self._cluster_id, self._ended = node, cluster_id, ended

    def handle(self, event: Any) -> None:
        """An event of this life."""
        if isinstance(event, Delivery):
            self.node.receive(self._cluster_id, event.sender, event.message)
        elif isinstance(event, TimerDue):
            assert isinstance(event.key, Timer)
            self.node.handle(TimerFired(event.key))
        elif isinstance(event, Flush):
            self.node.flush()
        else:
            self._ask(event)
        if self.node.failure:
            self._ended()

    def _ask(self, ask: Ask) -> None:
        what = ask.what
        if isinstance(what, Command):
            self.node.propose(ask.request_id, what)
        elif isinstance(what, Query):
            self.node.read(ask.request_id, what)
        elif isinstance(what, Change):
            self.node.change(ask.request_id, what)
        else:
            self.node.transfer(ask.request_id, what)
