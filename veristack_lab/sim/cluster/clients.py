"""Clients of a simulated cluster, and the history of what they were told.

A client has one session and one operation at a time. It tries again, at another node and with the
same sequence number, until it has an answer or gives up; so each command must take effect at most
once. Every value that is written is unique, so a lost, repeated or reordered write shows itself.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, NamedTuple

from veristack_lab.sim.choices import Stream
from veristack_lab.sim.cluster.cluster import Cluster
from veristack_lab.sim.cluster.members import Ask
from veristack_lab.sim.delays import Uniform
from veristack_lab.sim.history import History
from veristack_lab.sim.models import CompareAndSet, Delete, Read, Write
from veristack_lab.sim.world import Scheduled
from veristack_lab.veristore.raft import commands
from veristack_lab.veristore.raft.answers import Answer, Outcome, Query
from veristack_lab.veristore.raft.commands import Command, Status

PATIENCE_S = 0.8
"""How long one attempt waits for its answer."""
MOST_ATTEMPTS = 12
"""Then the client gives up, and the outcome of its operation stays unknown."""
BACKOFF_S = Uniform(0.02, 0.12)
WIRE_S = Uniform(0.0003, 0.002)
_BETWEEN = -1
"""Instead of a request id: between two attempts."""


class Next(NamedTuple):
    """The client begins its next operation."""


class Again(NamedTuple):
    """The client makes another attempt."""


class Late(NamedTuple):
    """The answer to an attempt did not come in time."""

    request_id: int


class Arrived(NamedTuple):
    """An answer comes to its client."""

    answer: Answer


class Clients:
    """All clients of a run. Gives each answer to the client that asked."""

    def __init__(self) -> None:
        self.history = History()
        self.done = 0
        """Operations with a known result."""
        self.gave_up = 0
        self.executed: dict[tuple[int, int], int] = {}
        """By session and sequence: the log index at which a command was executed."""
        self.twice: list[str] = []
        """Commands that were executed at two indexes, as sentences."""
        self._asking: dict[int, Client] = {}
        self._ids = 0
        self.values = 0
        """How many values were written; they are numbered from 1."""

    def __repr__(self) -> str:
        return f"Clients({self.done} operations done, {self.gave_up} given up)"

    def new_request(self, client: Client) -> int:
        """An id for an attempt."""
        self._ids += 1
        self._asking[self._ids] = client
        return self._ids

    def new_value(self) -> int:
        """A value that no client ever wrote."""
        self.values += 1
        return self.values

    def answered(self, answer: Answer) -> None:
        """A node answers. The way back takes its time too."""
        client = self._asking.pop(answer.request_id, None)
        if client is not None:
            client.arrives_later(answer)

    def note_execution(self, session: int, sequence: int, number: int) -> None:
        """A command was executed at a log index: always the same one (thesis 6.3)."""
        first = self.executed.setdefault((session, sequence), number)
        if first != number:
            self.twice.append(
                f"command {sequence} of session {session} was executed at index {first} and again "
                f"at index {number}"
            )


class Client:
    """One client: a guest of the world."""

    def __init__(self, cluster: Cluster, clients: Clients, number: int) -> None:
        self.name = f"client {number}"
        self._cluster, self._world, self._clients = cluster, cluster.world, clients
        self._stream: Stream = cluster.choices.stream("client", number)
        self._wire: Stream = cluster.choices.stream("wire", number)
        self._session = self._sequence = 0
        self._node = cluster.ids[number % len(cluster.ids)]
        self._request = self._attempts = 0
        self._handle: int | None = None
        self._action: Any = None
        self._key = ""
        self._late = Scheduled(self, Late(0))
        self._stops = False
        self._targets = cluster.ids

    def start(self) -> None:
        """Begin after a moment."""
        self._think()

    def stop(self) -> None:
        """Begin no further operation."""
        self._stops = True

    @property
    def busy(self) -> bool:
        """Whether an operation is under way."""
        return self._request != 0

    def arrives_later(self, answer: Answer) -> None:
        """An answer left a node."""
        self._world.after(WIRE_S.of(self._wire.bits()), self, Arrived(answer))

    def handle(self, event: Any) -> None:
        """Its turn."""
        if isinstance(event, Next):
            self._begin()
        elif isinstance(event, Again):
            self._attempt()
        elif isinstance(event, Late):
            if event.request_id == self._request:
                self._elsewhere(0)
        elif event.answer.request_id == self._request:
            self._take(event.answer)

    # -------------------------------------------------------------- operations

    def _think(self) -> None:
        self._request = 0
        if not self._stops:
            pause_s = self._stream.exponential(self._cluster.scenario.think_s)
            self._world.after(pause_s, self, Next())

    def _begin(self) -> None:
        if self._stops:
            return
        self._attempts, self._handle = 0, None
        if not self._session:
            self._action = None
        else:
            self._choose()
        self._attempt()

    def _choose(self) -> None:
        self._key = f"k{self._stream.number(1, self._cluster.scenario.keys)}"
        kind = self._stream.number(1, 10)
        if kind <= 4:
            self._action = Read()
        elif kind <= 7:
            self._action = Write(self._clients.new_value())
        elif kind == 8:
            self._action = Delete()
        else:
            known = self._stream.number(0, self._clients.values)
            self._action = CompareAndSet(known or None, self._clients.new_value())
        if not isinstance(self._action, Read):
            self._sequence += 1
        self._handle = self._clients.history.called(
            self.name, self._key, self._action, self._world.now_s
        )

    def _what(self) -> Command | Query:
        if self._action is None:
            return commands.OPEN_SESSION
        key = self._key.encode()
        if isinstance(self._action, Read):
            return Query(key)
        if isinstance(self._action, Write):
            command = commands.put(key, _encode(self._action.value))
        elif isinstance(self._action, Delete):
            command = commands.delete(key)
        else:
            expected = self._action.expected
            command = commands.swap(
                key,
                None if expected is None else _encode(expected),
                _encode(self._action.value),
            )
        return command.within(self._session, self._sequence, self._sequence)

    def _attempt(self) -> None:
        self._attempts += 1
        if self._attempts > MOST_ATTEMPTS:
            self._give_up()
            return
        self._request = self._clients.new_request(self)
        self._late.event = Late(self._request)
        self._world.move(self._late, self._world.now_s + PATIENCE_S)
        self._cluster.ask(self._node, Ask(self._request, self._what()))

    def _elsewhere(self, leader: int) -> None:
        if leader in self._targets:
            self._node = leader
        else:
            place = self._targets.index(self._node) if self._node in self._targets else 0
            self._node = self._targets[(place + 1) % len(self._targets)]
        self._world.cancel(self._late)
        self._request = _BETWEEN  # an answer to an attempt that was given up comes too late
        self._world.after(BACKOFF_S.of(self._wire.bits()), self, Again())

    def _give_up(self) -> None:
        if self._handle is not None:
            self._clients.history.unknown(self._handle)
            self._clients.gave_up += 1
        self._session = 0  # a late execution belongs to the old session
        self._think()

    # ----------------------------------------------------------------- answers

    def _take(self, answer: Answer) -> None:
        if answer.outcome is not Outcome.DONE:
            leader = answer.leader if answer.leader != self._node else 0
            self._elsewhere(leader)
            return
        self._world.cancel(self._late)
        if self._action is None:
            assert answer.reply is not None
            self._session, self._sequence = answer.reply.number, 0
            self._think()
        elif isinstance(self._action, Read):
            self._returned(None if answer.value is None else _decode(answer.value))
        else:
            self._take_reply(answer)

    def _take_reply(self, answer: Answer) -> None:
        reply = answer.reply
        assert reply is not None
        if reply.status is Status.CROWDED:
            self._elsewhere(0)
        elif reply.status is not Status.DONE:
            self._give_up()  # executed earlier or never: the client cannot know
        else:
            self._clients.note_execution(self._session, self._sequence, reply.number)
            swap = isinstance(self._action, CompareAndSet)
            self._returned(reply.swapped if swap else None)

    def _returned(self, result: Any) -> None:
        assert self._handle is not None
        self._clients.history.returned(self._handle, result, self._world.now_s)
        self._clients.done += 1
        self._think()


def _encode(value: Hashable) -> bytes:
    return str(value).encode()


def _decode(value: bytes) -> int:
    return int(value)
