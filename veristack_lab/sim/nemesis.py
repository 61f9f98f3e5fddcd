"""Carries out a plan of faults: each begins at its time, lasts, and is undone.

    nemesis = Nemesis(world, handlers_of(network, processes, timers))
    nemesis.schedule(plan)

A handler begins one fault and returns what undoes it, or None if there is nothing to undo. Faults
of one kind may overlap; the handlers here see to it that undoing one leaves the others in force.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from veristack_lab.errors import InvalidInput
from veristack_lab.sim.clocks import NodeClock, NodeTimers
from veristack_lab.sim.delays import Uniform
from veristack_lab.sim.network import Conditions, Link, Network, around, between
from veristack_lab.sim.processes import Processes
from veristack_lab.sim.swarm import Fault
from veristack_lab.sim.world import Scheduled, World

Undo = Callable[[], object]
Handler = Callable[[Fault], Undo | None]


class Strike(NamedTuple):
    """A fault begins."""

    number: int
    fault: Fault


class Relief(NamedTuple):
    """A fault is over."""

    number: int
    fault: Fault


class Nemesis:
    """A guest that does harm, as planned.

    Args:
        world: where it acts.
        handlers: how each kind of fault is done.
    """

    name = "nemesis"

    def __init__(self, world: World, handlers: Mapping[str, Handler]) -> None:
        self._world, self._handlers = world, dict(handlers)
        self._coming: dict[int, Scheduled] = {}
        self._in_force: dict[int, tuple[Fault, Undo, Scheduled]] = {}
        self._numbers = 0
        self.counts: Counter[str] = Counter()
        """How many faults of each kind have begun."""

    def __repr__(self) -> str:
        return f"Nemesis({len(self._in_force)} in force, {len(self._coming)} to come)"

    def schedule(self, faults: Iterable[Fault]) -> None:
        """Let the faults happen at their times.

        Raises:
            InvalidInput: a kind that has no handler, or a time that is past.
        """
        for fault in faults:
            if fault.kind not in self._handlers:
                raise InvalidInput(
                    f"nothing does faults of kind {fault.kind!r}; there are "
                    + ", ".join(self._handlers)
                )
            self._numbers += 1
            strike = Strike(self._numbers, fault)
            self._coming[self._numbers] = self._world.at(fault.time_s, self, strike)

    def handle(self, event: Strike | Relief) -> None:
        """A fault begins or is over."""
        number, fault = event
        if isinstance(event, Relief):
            _, undo, _ = self._in_force.pop(number)
            undo()
            return
        del self._coming[number]
        self.counts[fault.kind] += 1
        undone = self._handlers[fault.kind](fault)
        if undone is not None:
            over = self._world.after(fault.lasts_s, self, Relief(number, fault))
            self._in_force[number] = (fault, undone, over)

    def in_force(self) -> list[Fault]:
        """The faults that have begun and are not over, in the order of their beginning."""
        return [fault for fault, _, _ in self._in_force.values()]

    def coming(self) -> list[Fault]:
        """The faults that are still to begin."""
        return [scheduled.event.fault for scheduled in self._coming.values()]

    def relent(self, spare: Callable[[Fault], bool] = lambda _: False) -> None:
        """Begin no more faults and undo those in force, except those that `spare` keeps."""
        for number, scheduled in list(self._coming.items()):
            if not spare(scheduled.event.fault):
                self._world.cancel(scheduled)
                del self._coming[number]
        for number, (fault, undo, over) in list(self._in_force.items()):
            if not spare(fault):
                self._world.cancel(over)
                del self._in_force[number]
                undo()


def handlers_of(
    network: Network, processes: Processes, timers: Mapping[int, NodeTimers]
) -> dict[str, Handler]:
    """How the kinds of faults in `swarm.KINDS` are done.

    Args:
        network: between the nodes.
        processes: of the nodes; one that a fault ends starts again when the fault is over.
        timers: of each node, with its clock.
    """
    return {
        **network_handlers(network),
        **process_handlers(processes),
        **clock_handlers(timers),
    }


def network_handlers(network: Network) -> dict[str, Handler]:
    """How `swarm.NETWORK_KINDS` are done."""
    nodes = network.nodes

    def cutting(links: Callable[[Fault], list[Link]]) -> Handler:
        def begin(fault: Fault) -> Undo:
            network.cut(links(fault))
            return lambda: network.mend(links(fault))

        return begin

    def clogging(links: Callable[[Fault], list[Link]]) -> Handler:
        def begin(fault: Fault) -> Undo:
            network.clog(links(fault))
            return lambda: network.unclog(links(fault))

        return begin

    def others(fault: Fault) -> list[int]:
        return [node for node in nodes if node not in fault.target]

    weather = _Weather(network)
    return {
        "cut": cutting(lambda fault: [(fault.target[0], fault.target[1])]),
        "cut-pair": cutting(lambda fault: between(fault.target[:1], fault.target[1:])),
        "partition": cutting(lambda fault: between(fault.target, others(fault))),
        "deaf": cutting(lambda fault: [(other, fault.target[0]) for other in others(fault)]),
        "mute": cutting(lambda fault: [(fault.target[0], other) for other in others(fault)]),
        "clog": clogging(lambda fault: [(fault.target[0], fault.target[1])]),
        "clog-node": clogging(lambda fault: around(fault.target[0], nodes)),
        "loss": weather.worsen,
        "duplicates": weather.worsen,
        "reordering": weather.worsen,
        "slow-network": weather.worsen,
    }


class _Weather:
    """Conditions of the whole network: the usual ones, made worse by the faults in force."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._usual = network.conditions(network.nodes[0], network.nodes[-1])
        self._faults: dict[int, Fault] = {}
        self._numbers = 0

    def worsen(self, fault: Fault) -> Undo:
        self._numbers += 1
        number = self._numbers
        self._faults[number] = fault
        self._network.set_conditions(self._present())

        def better() -> None:
            del self._faults[number]
            self._network.set_conditions(self._present())

        return better

    def _present(self) -> Conditions:
        now = self._usual
        for fault in self._faults.values():
            if fault.kind == "loss":
                now = now._replace(loss=max(now.loss, fault.parameter("probability")))
            elif fault.kind == "duplicates":
                now = now._replace(duplicate=max(now.duplicate, fault.parameter("probability")))
            elif fault.kind == "reordering":
                now = now._replace(reorder=max(now.reorder, fault.parameter("probability")))
            else:
                delay_s = fault.parameter("delay_s")
                now = now._replace(delay=Uniform(delay_s / 2, delay_s * 1.5))
        return now


def process_handlers(processes: Processes) -> dict[str, Handler]:
    """How `swarm.PROCESS_KINDS` are done."""

    def kill(fault: Fault) -> Undo:
        processes.kill(fault.target[0])
        return lambda: processes.start(fault.target[0])

    def cut_power(fault: Fault) -> Undo:
        processes.cut_power(fault.target[0], fault.parameter("policy"))
        return lambda: processes.start(fault.target[0])

    def pause(fault: Fault) -> Undo | None:
        life = processes.pause(fault.target[0])
        return None if life is None else lambda: processes.resume(life)

    costs = _Latest(processes.slow, 0.0)

    def slow(fault: Fault) -> Undo:
        return costs.set(fault.target[0], fault.parameter("cost_s"))

    return {"kill": kill, "power-cut": cut_power, "pause": pause, "slow-node": slow}


def clock_handlers(timers: Mapping[int, NodeTimers]) -> dict[str, Handler]:
    """How `swarm.CLOCK_KINDS` are done."""

    def jump(fault: Fault) -> None:
        clock: NodeClock = timers[fault.target[0]].clock
        clock.jump(fault.parameter("seconds"))

    rates = _Latest(lambda node, rate: timers[node].drift(rate), 1.0)

    def drift(fault: Fault) -> Undo:
        return rates.set(fault.target[0], fault.parameter("rate"))

    return {"clock-jump": jump, "drift": drift}


class _Latest:
    """A setting of each node: of the faults in force, the one that began last decides."""

    def __init__(self, apply: Callable[[int, float], object], usual: float) -> None:
        self._apply, self._usual = apply, usual
        self._values: dict[int, dict[int, float]] = {}
        self._numbers = 0

    def set(self, node: int, value: float) -> Undo:
        self._numbers += 1
        number, values = self._numbers, self._values.setdefault(node, {})
        values[number] = value
        self._apply(node, value)

        def undo() -> None:
            del values[number]
            self._apply(node, next(reversed(values.values()), self._usual))

        return undo
