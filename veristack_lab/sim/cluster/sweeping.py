"""Many seeds, as a frame; and a failing seed with as few faults as possible."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from functools import partial
from typing import TYPE_CHECKING, Any

from veristack_lab.errors import InvalidInput
from veristack_lab.runtime.progress import OnProgress, silent
from veristack_lab.sim.cluster.reached import SITUATIONS
from veristack_lab.sim.cluster.running import Result, run
from veristack_lab.sim.cluster.scenario import Scenario
from veristack_lab.sim.shrinking import shrink as shrink_events
from veristack_lab.sim.swarm import Fault, simpler_fault
from veristack_lab.veristore.raft.core import Raft

if TYPE_CHECKING:
    import pandas as pd

TWICE_EVERY = 50
"""Each seed that this divides is run twice: both runs must have the same trace."""


def sweep(
    seeds: Iterable[int],
    scenario: Scenario | None = None,
    *,
    executor: Executor | None = None,
    core_type: Callable[..., Raft] = Raft,
    on_progress: OnProgress | None = None,
) -> pd.DataFrame:
    """Run a cluster under each seed.

    Args:
        seeds: which.
        scenario: the parameters of every run.
        executor: does the work: any `concurrent.futures.Executor`; None: this thread.
        core_type: what makes a core.
        on_progress: called after every run with (done, total).

    Returns:
        One row a seed: seed, ok, promise (that broke first; empty if none), story, at_s, faults,
        operations, unknown, commit, events, virtual_s, trace. `attrs`: scenario, `struck` (faults
        by kind), `reached` (situation -> runs that reached it), `missed` (situations that no run
        reached), `seed` (the first).

    Raises:
        InvalidInput: there are no seeds, or the scenario is not valid.
    """
    import pandas as pd

    wanted = list(seeds)
    if not wanted:
        raise InvalidInput("give at least one seed")
    scenario = (scenario or Scenario()).checked()
    one = partial(_run_one, scenario, core_type)
    tell, rows = on_progress or silent, []
    struck: Counter[str] = Counter()
    reached: Counter[str] = Counter()
    results: Iterator[Result] = executor.map(one, wanted) if executor else map(one, wanted)
    for result in results:
        struck += result.struck
        reached += result.reached
        rows.append(_row(result))
        tell(len(rows), len(wanted))
    frame = pd.DataFrame(rows)
    frame.attrs = {
        "seed": wanted[0],
        "scenario": {name: str(value) for name, value in scenario._asdict().items()},
        "struck": dict(struck),
        "reached": {name: reached[name] for name in SITUATIONS},
        "missed": [name for name in SITUATIONS if not reached[name]],
    }
    return frame


def shrink(
    result: Result, *, core_type: Callable[..., Raft] = Raft, most_tries: int = 300
) -> Result:
    """The same seed with as few and as simple faults as break the same promise.

    Args:
        result: a run that broke a promise.
        core_type: what made its cores.
        most_tries: how many runs this may take.

    Raises:
        InvalidInput: the run kept every promise.
    """
    if result.ok:
        raise InvalidInput(f"seed {result.seed} kept every promise: there is nothing to shrink")
    promise = result.violations[0].promise

    def again(faults: tuple[Fault, ...]) -> Result:
        return run(result.scenario, result.seed, faults=faults, core_type=core_type)

    def fails(faults: tuple[Fault, ...]) -> bool:
        found = again(faults)
        return not found.ok and found.violations[0].promise == promise

    return again(shrink_events(result.faults, fails, simpler_fault, most_tries).events)


def _run_one(scenario: Scenario, core_type: Callable[..., Raft], seed: int) -> Result:
    result = run(scenario, seed, core_type=core_type)
    if seed % TWICE_EVERY == 0 and run(scenario, seed, core_type=core_type).trace != result.trace:
        return result.with_violation("deterministic", "two runs of this seed differ")
    return result


def _row(result: Result) -> dict[str, Any]:
    first = result.violations[0] if result.violations else None
    return {
        "seed": result.seed,
        "ok": result.ok,
        "promise": first.promise if first else "",
        "story": first.story if first else "",
        "at_s": first.at_s if first else result.virtual_s,
        "faults": sum(result.struck.values()),
        "operations": result.operations,
        "unknown": result.unknown,
        "commit": result.commit,
        "events": result.events,
        "virtual_s": result.virtual_s,
        "trace": result.trace,
    }
