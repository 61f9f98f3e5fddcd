"""A core that does as it is told, to test the shell around it by itself."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from tests.unit.raft_disk import CLUSTER, FOLDER, ME
from veristack_lab.errors import InvalidInput
from veristack_lab.sim import SimClock, SimDisk
from veristack_lab.veristore.raft.answers import Answer
from veristack_lab.veristore.raft.configuration import Configuration
from veristack_lab.veristore.raft.effects import Effect, Role
from veristack_lab.veristore.raft.events import Event, Restored, Timer
from veristack_lab.veristore.raft.messages import Message
from veristack_lab.veristore.raft.node import Node, NodeOptions
from veristack_lab.veristore.raft.opening import open_node
from veristack_lab.veristore.raft.protocols import Outside
from veristack_lab.veristore.raft.settings import Settings

__all__ = ["CLUSTER", "Bench", "ToldCore"]


class ToldCore:
    """Remembers the events, and answers each with the effects that the test has laid out for it."""

    def __init__(
        self, node_id: int, configuration: Configuration, settings: Settings, restored: Restored
    ) -> None:
        self.node_id, self.restored = node_id, restored
        self.configuration = configuration
        self.role, self.term, self.vote, self.leader, self.commit = Role.FOLLOWER, 0, 0, 0, 0
        self.events: list[Event] = []
        self.answers: list[tuple[type, Sequence[Effect]]] = []
        self.held = True

    def on(self, kind: type, *effects: Effect) -> None:
        """The next event of this kind has these effects."""
        self.answers.append((kind, effects))

    def step(self, event: Event, now_s: float) -> Sequence[Effect]:
        self.events.append(event)
        for number, (kind, effects) in enumerate(self.answers):
            if kind is type(event):
                del self.answers[number]
                return effects
        return ()

    def position(self, index: int) -> tuple[int, Configuration]:
        if not self.held:
            raise InvalidInput(f"index {index} is compacted away")
        return 1, self.configuration

    def seen(self, kind: type) -> list[Event]:
        return [event for event in self.events if type(event) is kind]


class Bench:
    """A node on a simulated disk, and everything outside it, in one place."""

    def __init__(
        self,
        disk: SimDisk | None = None,
        options: NodeOptions | None = None,
        sync_later: Callable[[], None] | None = None,
        make_core: Callable[..., ToldCore] = ToldCore,
    ) -> None:
        self.disk = disk or SimDisk()
        self.clock = SimClock()
        self.sent: list[tuple[int, Message]] = []
        self.done_when_sent: list[int] = []
        self.timers: dict[Timer, float] = {}
        self.answers: dict[int, Answer] = {}
        outside = Outside(self.clock, self, self, random.Random(5), self)
        parts = open_node(self.disk, FOLDER, ME, room_bytes=0)
        self.node = Node(parts, make_core, outside, options, sync_later=sync_later)
        core = self.node.core
        assert isinstance(core, ToldCore)
        self.core = core

    def set(self, timer: Timer, after_s: float) -> None:
        self.timers[timer] = after_s

    def stop(self, timer: Timer) -> None:
        self.timers.pop(timer, None)

    def send(self, to: int, message: Message) -> None:
        self.sent.append((to, message))
        self.done_when_sent.append(self.disk.done)

    def answer(self, answer: Answer) -> None:
        assert answer.request_id not in self.answers, "each request gets one answer"
        self.answers[answer.request_id] = answer

    def after_cut(self, policy: str = "lost", **more: object) -> Bench:
        """The node that starts on what a power cut leaves."""
        return Bench(self.disk.crash(policy), **more)  # type: ignore[arg-type]
