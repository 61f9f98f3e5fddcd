"""Which faults a seed meets: a plan of plain values, drawn before the run.

    plan = plan_faults(choices, KINDS, nodes=[1, 2, 3], until_s=20.0)

Swarm testing (Groce et al., ISSTA 2012): a run that may meet every kind of fault meets few of
them in depth. So each seed uses some kinds and leaves others out, and has them at different rates.

A fault is drawn from a row of its own and stands for itself: any of them can be taken out of the
plan or changed, and the others stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from veristack_lab.errors import InvalidInput
from veristack_lab.sim.choices import Choices, natural_log, unit

Target = Literal["node", "link", "pair", "group", "network"]


class Range(NamedTuple):
    """A number from `low` to `high`; `short` ones are more likely if that is set."""

    low: float
    high: float
    skewed: bool = False
    """Draw the logarithm evenly: short durations are as common as long ones."""

    def of(self, word: int) -> float:
        """The value that belongs to these random bits, with three decimals."""
        share = unit(word)
        if self.skewed and self.high > self.low:
            share = _even_in_logarithm(share, self.high / self.low)
        return round(self.low + (self.high - self.low) * share, 3)


class Options(NamedTuple):
    """One of some values."""

    values: tuple[str, ...]

    def of(self, word: int) -> str:
        """The value that belongs to these random bits."""
        return self.values[word * len(self.values) >> 64]


class Kind(NamedTuple):
    """A kind of fault: whom it strikes, for how long, and what else must be drawn for it."""

    name: str
    target: Target
    lasts_s: Range | None = Range(0.05, 5.0, skewed=True)
    """None: it is over at once."""
    parameters: tuple[tuple[str, Range | Options], ...] = ()
    """At most four."""


class Fault(NamedTuple):
    """One fault of a plan."""

    time_s: float
    kind: str
    target: tuple[int, ...]
    """Nodes: one, the two ends of a link, the members of a group, or none for the whole network."""
    lasts_s: float = 0.0
    parameters: tuple[tuple[str, float | str], ...] = ()

    def parameter(self, name: str) -> Any:
        """One of its parameters.

        Raises:
            InvalidInput: it has none of that name.
        """
        for key, value in self.parameters:
            if key == name:
                return value
        raise InvalidInput(f"the fault {self.kind!r} has no parameter {name!r}")

    def __str__(self) -> str:
        target = " of " + ", ".join(map(str, self.target)) if self.target else ""
        lasts = f" for {self.lasts_s:g} s" if self.lasts_s else ""
        rest = "".join(f", {key} {value}" for key, value in self.parameters)
        return f"at {self.time_s:g} s {self.kind}{target}{lasts}{rest}"


NETWORK_KINDS = (
    Kind("cut", "link"),
    Kind("cut-pair", "pair"),
    Kind("partition", "group"),
    Kind("deaf", "node"),
    Kind("mute", "node"),
    Kind("clog", "link"),
    Kind("clog-node", "node"),
    Kind("loss", "network", parameters=(("probability", Range(0.01, 0.4)),)),
    Kind("duplicates", "network", parameters=(("probability", Range(0.01, 0.4)),)),
    Kind("reordering", "network", parameters=(("probability", Range(0.01, 0.4)),)),
    Kind("slow-network", "network", parameters=(("delay_s", Range(0.01, 0.3, skewed=True)),)),
)
PROCESS_KINDS = (
    Kind("kill", "node"),
    Kind("power-cut", "node", parameters=(("policy", Options(("any",))),)),
    Kind("pause", "node"),
    Kind("slow-node", "node", parameters=(("cost_s", Range(0.001, 0.1, skewed=True)),)),
)
CLOCK_KINDS = (
    Kind("clock-jump", "node", None, (("seconds", Range(-3600.0, 3600.0)),)),
    Kind("drift", "node", parameters=(("rate", Range(0.9, 1.1)),)),
)
KINDS = (*NETWORK_KINDS, *PROCESS_KINDS, *CLOCK_KINDS)
"""What `nemesis` can do without help; a caller adds kinds of its own, as for disks."""

_RATES = (1, 2, 4, 8)


def choose_kinds(choices: Choices, kinds: Sequence[Kind]) -> list[tuple[Kind, int]]:
    """The kinds that a seed uses, each with its weight: about half of them, and one at least.

    Each kind is decided by a stream of its own name: a new kind changes nothing for the others.

    Raises:
        InvalidInput: there are no kinds.
    """
    if not kinds:
        raise InvalidInput("no kinds of faults to choose from; give one or more")
    chosen = []
    for kind in kinds:
        use, rate, *_ = choices.stream("swarm", kind.name).row(0)
        if unit(use) < 0.5:
            chosen.append((kind, _RATES[rate >> 62]))
    return chosen or [(choices.stream("swarm").pick(kinds), 1)]


def plan_faults(
    choices: Choices,
    kinds: Sequence[Kind],
    nodes: Sequence[int],
    until_s: float,
    mean: float = 10.0,
    start_s: float = 0.0,
) -> tuple[Fault, ...]:
    """The faults of a seed, earliest first.

    Args:
        choices: those of the seed.
        kinds: what there may be; the seed uses about half of them.
        nodes: at least two.
        until_s: no fault begins later.
        mean: how many faults on average; a seed has between half and one and a half of it.
        start_s: no fault begins earlier.

    Raises:
        InvalidInput: fewer than two nodes, no kinds, or no time.
    """
    if len(nodes) < 2 or not start_s <= until_s or mean < 0:
        raise InvalidInput("a plan needs two nodes, a start before its end, a mean of 0 or more")
    used = choose_kinds(choices, kinds)
    bag = [kind for kind, weight in used for _ in range(weight)]
    count = choices.stream("faults").number(round(mean / 2), round(mean * 1.5))
    span = Range(start_s, until_s)
    faults = []
    for number in range(count):
        words = choices.stream("fault").row(number)
        when, which, whom, last, *rest = words
        kind = bag[which * len(bag) >> 64]
        faults.append(
            Fault(
                span.of(when),
                kind.name,
                _target(kind.target, nodes, whom),
                kind.lasts_s.of(last) if kind.lasts_s else 0.0,
                tuple(
                    (name, draw.of(word))
                    for (name, draw), word in zip(kind.parameters, rest, strict=False)
                ),
            )
        )
    return tuple(sorted(faults, key=lambda fault: fault.time_s))


def _target(target: Target, nodes: Sequence[int], word: int) -> tuple[int, ...]:
    count = len(nodes)
    if target == "network":
        return ()
    if target == "node":
        return (nodes[word * count >> 64],)
    if target == "group":  # any members but none and all
        members = 1 + (word * (2**count - 2) >> 64)
        return tuple(node for place, node in enumerate(nodes) if members >> place & 1)
    one, other = divmod(word * (count * (count - 1)) >> 64, count - 1)
    ends = (nodes[one], nodes[other + (other >= one)])
    return ends if target == "link" else tuple(sorted(ends))


def _even_in_logarithm(share: float, ratio: float) -> float:
    """A share of a range whose ends have this ratio, so that each doubling is equally likely."""
    return (_exponential(share * natural_log(ratio)) - 1.0) / (ratio - 1.0)


def _exponential(value: float) -> float:
    """The number e to the power of a moderate value, by multiplications and additions alone."""
    term = total = 1.0
    for number in range(1, 60):
        term *= value / number
        total += term
    return total


def simpler_fault(fault: Fault) -> list[Fault]:
    """Simpler faults of the same kind, for `shrink`: at a rounder time, shorter, weaker."""
    simpler = [fault._replace(time_s=round(fault.time_s, digits)) for digits in (0, 1)]
    if fault.lasts_s >= 0.02:
        simpler.append(fault._replace(lasts_s=round(fault.lasts_s / 2, 3)))
    for place, (name, value) in enumerate(fault.parameters):
        harmless = 1.0 if name == "rate" else 0.0
        if isinstance(value, float) and abs(value - harmless) > 0.01:
            parameters = list(fault.parameters)
            parameters[place] = (name, round((value + harmless) / 2, 3))
            simpler.append(fault._replace(parameters=tuple(parameters)))
    return [each for each in simpler if each != fault]
