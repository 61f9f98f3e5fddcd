"""A network between numbered nodes: slow, lossy, cut in parts, and never out of memory.

    network = Network(world, choices, nodes=[1, 2, 3], deliver=deliver)
    network.send(1, 2, message)

Each ordered pair of nodes is a link with conditions of its own. On a link messages keep their order
(as in a TCP connection), those that `reorder` strikes excepted. Faults that overlap add up: a link
that two faults cut is open when both are over.

What happens to a message depends on the seed, its link and its number on the link.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from veristack_lab.errors import InvalidInput
from veristack_lab.sim.choices import Choices, Stream, unit
from veristack_lab.sim.delays import Delay, Uniform, checked
from veristack_lab.sim.world import Scheduled, World

Link = tuple[int, int]
"""Sender and receiver."""


class Conditions(NamedTuple):
    """What a link does to messages."""

    delay: Delay = Uniform(0.0005, 0.005)
    loss: float = 0.0
    """Probability that a message is lost."""
    duplicate: float = 0.0
    """Probability that it arrives twice."""
    reorder: float = 0.0
    """Probability that later messages may overtake it."""
    reorder_delay: Delay = Uniform(0.0, 0.05)
    """How much longer such a message takes."""


class Delivery(NamedTuple):
    """A message on its way."""

    sender: int
    receiver: int
    number: int
    """Its number on the link; a duplicate has the same."""
    message: Any


class InFlight(NamedTuple):
    """A message on its way, for pictures."""

    delivery: Delivery
    sent_s: float
    due_s: float
    """When it arrives, unless a clog holds it."""
    held: bool


class _Way:
    """One link: its conditions, its faults and what is on it."""

    __slots__ = ("clogs", "conditions", "cuts", "flying", "held", "last_s", "sent", "stream")

    def __init__(self, conditions: Conditions, stream: Stream) -> None:
        self.conditions = conditions
        self.stream = stream
        self.cuts = 0
        self.clogs = 0
        self.sent = 0
        self.last_s = 0.0
        """When the last message arrives of those that keep their order."""
        self.flying: dict[int, tuple[Scheduled, float]] = {}
        """By number of the copy: what is scheduled, and when it was sent."""
        self.held: list[tuple[int, Scheduled, float]] = []
        """What a clog holds, in the order of arrival."""


class _Arrival(NamedTuple):
    """The event of the world: a copy of a message comes to the end of its link."""

    copy: int
    delivery: Delivery


class Network:
    """All links between some nodes.

    Args:
        world: where messages wait.
        choices: the stream `("link", sender, receiver)` decides about messages of that link.
        nodes: numbers of the nodes; a node has a link to itself too.
        deliver: is given each `Delivery` when it arrives.
        conditions: of every link, until `set_conditions`.
        most_in_flight: how many messages a link carries; one more is dropped, and counted.
    """

    name = "network"

    def __init__(
        self,
        world: World,
        choices: Choices,
        nodes: Sequence[int],
        deliver: Callable[[Delivery], object],
        conditions: Conditions | None = None,
        most_in_flight: int = 1_000,
    ) -> None:
        self._world, self._deliver, self._most = world, deliver, most_in_flight
        self.nodes = tuple(nodes)
        self.counts: Counter[str] = Counter()
        """Messages that were sent, delivered, lost, duplicated, reordered, cut, held, dropped."""
        usual = check_conditions(conditions or Conditions())
        self._ways = {
            (sender, receiver): _Way(usual, choices.stream("link", sender, receiver))
            for sender in self.nodes
            for receiver in self.nodes
        }

    def __repr__(self) -> str:
        return f"Network({len(self.nodes)} nodes, {len(self.in_flight())} messages in flight)"

    # ------------------------------------------------------------------- use

    def send(self, sender: int, receiver: int, message: Any) -> None:
        """Put a message on its link. Nothing tells the sender what becomes of it.

        Raises:
            InvalidInput: there is no such link.
        """
        way = self._way((sender, receiver))
        number = way.sent
        way.sent = number + 1
        self.counts["sent"] += 1
        if way.cuts:
            self.counts["cut"] += 1
            return
        lose, duplicate, reorder, delay, longer, delay_again, _, _ = way.stream.row(number)
        conditions = way.conditions
        if unit(lose) < conditions.loss:
            self.counts["lost"] += 1
            return
        delivery = Delivery(sender, receiver, number, message)
        due_s = self._world.now_s + conditions.delay.of(delay)
        if unit(reorder) < conditions.reorder:
            self.counts["reordered"] += 1
            due_s += conditions.reorder_delay.of(longer)
        else:
            due_s = way.last_s = max(due_s, way.last_s)
        self._fly(way, 2 * number, delivery, due_s)
        if unit(duplicate) < conditions.duplicate:
            self.counts["duplicated"] += 1
            self._fly(way, 2 * number + 1, delivery, due_s + conditions.delay.of(delay_again))

    def handle(self, event: _Arrival) -> None:
        """A message has come to the end of its link."""
        delivery = event.delivery
        way = self._ways[delivery.sender, delivery.receiver]
        scheduled, sent_s = way.flying.pop(event.copy)
        if way.cuts:
            self.counts["cut"] += 1
        elif way.clogs:
            self.counts["held"] += 1
            way.held.append((event.copy, scheduled, sent_s))
        else:
            self.counts["delivered"] += 1
            self._deliver(delivery)

    def in_flight(self) -> list[InFlight]:
        """Every message on its way, by link and number: for pictures."""
        found = []
        for way in self._ways.values():
            held = [(copy, scheduled, sent_s, True) for copy, scheduled, sent_s in way.held]
            flying = [(copy, *entry, False) for copy, entry in way.flying.items()]
            for _, scheduled, sent_s, waits in sorted(held + flying, key=lambda entry: entry[0]):
                due_s = self._world.now_s if waits else scheduled.due_s
                found.append(InFlight(scheduled.event.delivery, sent_s, due_s, waits))
        return found

    # ---------------------------------------------------------------- faults

    def conditions(self, sender: int, receiver: int) -> Conditions:
        """What a link does to messages now."""
        return self._way((sender, receiver)).conditions

    def set_conditions(self, conditions: Conditions, links: Iterable[Link] | None = None) -> None:
        """Change what links do to messages that are sent from now on; all links, unless given.

        Raises:
            InvalidInput: a probability or delay that cannot be, or no such link.
        """
        check_conditions(conditions)
        for way in self._chosen(links):
            way.conditions = conditions

    def cut(self, links: Iterable[Link]) -> None:
        """Let nothing through: what is sent or arrives meanwhile is gone. `mend` undoes it once.

        Raises:
            InvalidInput: there is no such link.
        """
        for way in self._chosen(links):
            way.cuts += 1

    def mend(self, links: Iterable[Link]) -> None:
        """Undo one `cut` of each link.

        Raises:
            InvalidInput: a link is not cut, or there is no such link.
        """
        for way in self._cut(links):
            way.cuts -= 1

    def clog(self, links: Iterable[Link]) -> None:
        """Hold what arrives, until as many `unclog` came.

        Raises:
            InvalidInput: there is no such link.
        """
        for way in self._chosen(links):
            way.clogs += 1

    def unclog(self, links: Iterable[Link]) -> None:
        """Undo one `clog` of each link. What was held arrives now, in its order.

        Raises:
            InvalidInput: a link is not clogged, or there is no such link.
        """
        ways = self._chosen(links)
        if not all(way.clogs for way in ways):
            raise InvalidInput("a link is not clogged; undo each clog once")
        for way in ways:
            way.clogs -= 1
            if not way.clogs:
                self._release(way)

    def heal(self) -> None:
        """End every cut and clog."""
        for link, way in self._ways.items():
            way.cuts = 0
            if way.clogs:
                way.clogs = 1
                self.unclog([link])

    def is_open(self, sender: int, receiver: int) -> bool:
        """Whether messages pass now: neither cut nor clogged."""
        way = self._way((sender, receiver))
        return not (way.cuts or way.clogs)

    # --------------------------------------------------------------- helpers

    def _fly(self, way: _Way, copy: int, delivery: Delivery, due_s: float) -> None:
        if len(way.flying) + len(way.held) >= self._most:
            self.counts["dropped"] += 1
            return
        scheduled = self._world.at(due_s, self, _Arrival(copy, delivery))
        way.flying[copy] = (scheduled, self._world.now_s)

    def _release(self, way: _Way) -> None:
        """Let what was held arrive now, before what arrives now anyway."""
        now_s = self._world.now_s
        held, way.held = way.held, []
        arriving = [entry[0] for entry in way.flying.values() if entry[0].due_s == now_s]
        for copy, scheduled, sent_s in held:
            way.flying[copy] = (scheduled, sent_s)
            self._world.move(scheduled, now_s)
        for scheduled in arriving:
            self._world.move(scheduled, now_s)
        way.last_s = max(way.last_s, now_s)

    def _way(self, link: Link) -> _Way:
        way = self._ways.get(link)
        if way is None:
            raise InvalidInput(f"there is no link {link}; the nodes are {self.nodes}")
        return way

    def _chosen(self, links: Iterable[Link] | None) -> list[_Way]:
        return list(self._ways.values()) if links is None else [self._way(link) for link in links]

    def _cut(self, links: Iterable[Link]) -> list[_Way]:
        ways = self._chosen(links)
        if not all(way.cuts for way in ways):
            raise InvalidInput("a link is not cut; mend each cut once")
        return ways


def between(some: Iterable[int], others: Iterable[int]) -> list[Link]:
    """The links between two groups, both ways: cut them for a partition."""
    others = list(others)
    return [link for one in some for other in others for link in ((one, other), (other, one))]


def around(node: int, others: Iterable[int]) -> list[Link]:
    """The links of a node with all others, both ways."""
    return between([node], [other for other in others if other != node])


def check_conditions(conditions: Conditions) -> Conditions:
    """The conditions, if they can be.

    Raises:
        InvalidInput: a probability is not one, or a delay can be negative or endless.
    """
    for kind in ("loss", "duplicate", "reorder"):
        probability = getattr(conditions, kind)
        if not 0 <= probability <= 1:
            raise InvalidInput(f"{kind}={probability} is no probability; give 0 to 1")
    checked(conditions.delay)
    checked(conditions.reorder_delay)
    return conditions
