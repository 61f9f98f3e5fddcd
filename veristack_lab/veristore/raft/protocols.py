"""What a node needs from outside, beside `Disk` and `Clock`: protocols that a simulator controls
too.

All are called within `Node.handle` and its like, in the node's one thread. None may call the node
back from there; what happens because of a call comes later, as an event.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from veristack_lab.runtime.clock import Clock
from veristack_lab.veristore.raft.answers import Answer
from veristack_lab.veristore.raft.configuration import Configuration
from veristack_lab.veristore.raft.effects import Effect, Role
from veristack_lab.veristore.raft.events import Event, Restored, Timer
from veristack_lab.veristore.raft.messages import Message
from veristack_lab.veristore.raft.settings import Settings


class Timers(Protocol):
    """Timers by name, of which each runs once after it was set."""

    def set(self, timer: Timer, after_s: float, /) -> None:
        """Let `TimerFired(timer)` come after some seconds of the node's clock; replaces earlier."""

    def stop(self, timer: Timer, /) -> None:
        """Let it not come."""


class Transport(Protocol):
    """The way to the peers. It may lose, delay, repeat and reorder."""

    def send(self, to: int, message: Message) -> None:
        """Send, without waiting. What cannot be sent now is lost, and nothing is raised."""


class Random(Protocol):
    """Where a node draws; `random.Random` is one."""

    def uniform(self, a: float, b: float) -> float:
        """Evenly between both."""

    def getrandbits(self, k: int, /) -> int:
        """Not negative, with at most this many bits."""


class Clients(Protocol):
    """Who asked the node for something."""

    def answer(self, answer: Answer) -> None:
        """The answer to one request. Each request gets exactly one, or none if the node dies."""


class Core(Protocol):
    """The pure core, as the shell sees it."""

    role: Role
    term: int
    vote: int
    leader: int
    commit: int

    @property
    def configuration(self) -> Configuration:
        """The one in force."""

    def step(self, event: Event, now_s: float) -> Sequence[Effect]:
        """What to do because of an event, in this order."""

    def position(self, index: int) -> tuple[int, Configuration]:
        """Term and configuration at an index that was applied and is still held."""


class MakeCore(Protocol):
    """How a core is made."""

    def __call__(
        self, node_id: int, configuration: Configuration, settings: Settings, restored: Restored
    ) -> Core:
        """A core that goes on from what storage found."""


class Outside(NamedTuple):
    """Everything that a node needs from outside, beside its folder."""

    clock: Clock
    timers: Timers
    transport: Transport
    random: Random
    clients: Clients
