"""Fair comparisons: all contestants of one work item run interleaved in one run.

A disk or a shared processor is quick one minute and slow the next. So no contestant runs all
its rounds in one piece: each round measures every contestant once, in rotating order, and the
report gives medians over the rounds. A contest on a disk also measures the bare disk in each round:
if that varies too much, the row says so and gives no verdict.

A benchmark is a module `tests/benchmarks/NAME.py` with a function `contests()`.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from veristack_lab.errors import InvalidInput
from veristack_lab.runtime.progress import OnProgress, silent

MORE_IS_BETTER = frozenset(
    {"GB/s", "MB/s", "M records/s", "records/s", "puts/s", "M ops/s", "ops/s"}
)
LESS_IS_BETTER = frozenset({"s", "ms", "µs", "ns"})
ROUND_S = 0.05
"""How long one measurement of a rate lasts at least."""
MAX_SWING = 2.0
"""How far apart the quartiles of a yardstick may be, as a factor, for a goal to be judged."""


@dataclass(frozen=True)
class Contestant:
    """One way to do the work."""

    name: str
    measure: Callable[[], float]
    """Do it once and say how well it went, in the contest's unit."""


@dataclass(frozen=True)
class Contest:
    """One work item: ours against one or more peers."""

    id: str
    what: str
    unit: str
    """One of MORE_IS_BETTER or LESS_IS_BETTER; it also fixes the direction."""
    ours: Contestant
    peers: Sequence[Contestant]
    goal: float | None = None
    """The ratio to the best peer that is aimed at, if any."""
    profile: Callable[[float], str] | None = None
    """What limits us, measured now, given our median: asked for where the goal is missed."""
    yardstick: Contestant | None = None
    """A limit shared by all contestants, such as the bare disk."""
    rounds: int | None = None
    """At most this many rounds, for work that takes long."""


@dataclass(frozen=True)
class Row:
    """The outcome of one contest."""

    id: str
    what: str
    unit: str
    ours: float
    """Median over the rounds, in the unit."""
    peer: str
    """The best peer, by its median."""
    peer_value: float
    ratio: float
    """How many times better than the peer we are, whichever way the unit points."""
    iqr: float
    """Interquartile range of that ratio over the rounds."""
    goal: float | None
    met: bool | None
    """Also None if the yardstick varied too much for a verdict."""
    profile: str = ""
    """What stops us, or why there is no verdict."""


def rate(
    amount: float,
    work: Callable[[], object],
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """`amount` per second of one call of `work`, repeated until the time is long enough to measure.

    Args:
        amount: how much one call does.
        work: what is measured.
        clock: seconds; `time.thread_time` for work that never waits, so that a moment in which
            the system lets others run does not count.
    """
    calls, started = 0, clock()
    while True:
        work()
        calls += 1
        elapsed = clock() - started
        if elapsed >= ROUND_S:
            return amount * calls / elapsed


def run(
    contests: Sequence[Contest], repeats: int = 7, on_progress: OnProgress | None = None
) -> list[Row]:
    """Hold every contest; one more round than asked for goes first and is not counted.

    Raises:
        InvalidInput: fewer than 2 rounds, a contest without a peer, or an unknown unit.
    """
    if repeats < 2:
        raise InvalidInput(f"{repeats} rounds have no spread; ask for 2 or more")
    for contest in contests:
        _check(contest)
    tick, rows = on_progress or silent, []
    planned = [min(contest.rounds or repeats, repeats) + 1 for contest in contests]
    total, done = sum(planned), 0
    for contest, count in zip(contests, planned, strict=True):
        rounds = []
        for number in range(count):
            rounds.append(_one_round(contest, number))
            done += 1
            tick(done, total)
        rows.append(_explained(contest, rounds[1:]))
    return rows


def _explained(contest: Contest, rounds: Sequence[Sequence[float]]) -> Row:
    """The row, with what has to be said about it."""
    row = judge(contest, rounds)
    if row.met is not None and contest.yardstick is not None:
        found = [values[len(contest.peers) + 1] for values in rounds]
        low, middle, high = statistics.quantiles(found, n=4)
        if high > MAX_SWING * low:
            why = (
                f"no verdict: {contest.yardstick.name} swung between {low:,.4g} and {high:,.4g}"
                f" (middle half, median {middle:,.4g}) during this contest"
            )
            return replace(row, met=None, profile=why)
    if row.met is False and contest.profile is not None:
        return replace(row, profile=contest.profile(row.ours))
    return row


def summary(rows: Sequence[Row]) -> dict[str, list[str]]:
    """The ids of rows with a goal under "met", "missed" and "no verdict"."""
    verdicts = {True: "met", False: "missed", None: "no verdict"}
    found: dict[str, list[str]] = {name: [] for name in verdicts.values()}
    for row in rows:
        if row.goal is not None:
            found[verdicts[row.met]].append(row.id)
    return found


def judge(contest: Contest, rounds: Sequence[Sequence[float]]) -> Row:
    """The row of a contest from what was measured.

    Args:
        contest: what was measured.
        rounds: for each round the value of ours, then of each peer, then of the yardstick.
    """
    more = contest.unit in MORE_IS_BETTER
    medians = [statistics.median(values) for values in zip(*rounds, strict=True)]
    peers = medians[1 : len(contest.peers) + 1]
    best = (max if more else min)(peers)
    which = medians.index(best, 1)

    def ratio(ours: float, peer: float) -> float:
        return ours / peer if more else peer / ours

    low, _, high = statistics.quantiles((ratio(row[0], row[which]) for row in rounds), n=4)
    reached = ratio(medians[0], best)
    return Row(
        id=contest.id,
        what=contest.what,
        unit=contest.unit,
        ours=medians[0],
        peer=contest.peers[which - 1].name,
        peer_value=best,
        ratio=reached,
        iqr=high - low,
        goal=contest.goal,
        met=None if contest.goal is None else reached >= contest.goal,
    )


def write_json(rows: Sequence[Row], path: Path) -> None:
    """Write the rows as a list of objects, making the folder if there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(row) for row in rows], indent=2, ensure_ascii=False) + "\n")


def _one_round(contest: Contest, number: int) -> list[float]:
    """One value of each contestant; the one that begins changes from round to round."""
    contestants = [contest.ours, *contest.peers]
    if contest.yardstick is not None:
        contestants.append(contest.yardstick)
    first = number % len(contestants)
    measured = {index: contestants[index].measure() for index in range(first, len(contestants))}
    measured |= {index: contestants[index].measure() for index in range(first)}
    return [measured[index] for index in range(len(contestants))]


def _check(contest: Contest) -> None:
    if contest.unit not in MORE_IS_BETTER | LESS_IS_BETTER:
        known = ", ".join(sorted(MORE_IS_BETTER | LESS_IS_BETTER))
        raise InvalidInput(f"{contest.id} has the unknown unit {contest.unit!r}; known: {known}")
    if not contest.peers:
        raise InvalidInput(f"{contest.id} has no peers")
