"""A Raft cluster in the simulator: healthy under faults, and found out when a rule is missing."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from tests.raft_broken import engine_of
from veristack_lab import sim
from veristack_lab.cli import app
from veristack_lab.errors import InvalidInput
from veristack_lab.sim.cluster.promises import PROMISES
from veristack_lab.sim.cluster.reached import SITUATIONS
from veristack_lab.sim.cluster.running import plan
from veristack_lab.sim.cluster.scenario import Scenario
from veristack_lab.sim.cluster.spec import check
from veristack_lab.sim.cluster.trace import Began, Stepped
from veristack_lab.veristore.raft.configuration import Configuration
from veristack_lab.veristore.raft.effects import Persist, Send
from veristack_lab.veristore.raft.events import Persisted, Restored, Timer, TimerFired
from veristack_lab.veristore.raft.messages import VoteAsk

SHORT = Scenario(chaos_s=4.0, faults=6.0)


def test_a_cluster_keeps_its_promises_under_faults() -> None:
    frame = sim.sweep(range(6))
    assert frame["ok"].all(), frame.loc[~frame["ok"], "story"].tolist()
    assert frame["operations"].min() >= 150
    assert frame["faults"].mean() >= 8
    assert sum(map(bool, frame.attrs["reached"].values())) >= len(SITUATIONS) // 2
    assert frame.attrs["seed"] == 0


@pytest.mark.parametrize("nodes", [1, 2, 4, 5])
def test_clusters_of_other_sizes_keep_them_too(nodes: int) -> None:
    result = sim.run(SHORT._replace(nodes=nodes), seed=nodes)
    assert result.ok, result.explain()
    assert result.operations > 10


def test_a_broken_promise_is_named_and_told_with_its_seed() -> None:
    result = sim.run(seed=1, core_type=engine_of("previous-not-compared"))
    assert {violation.promise for violation in result.violations} <= PROMISES.keys()
    assert "seed 1, at " in result.explain()


def test_the_specification_names_the_first_thing_that_it_forbids() -> None:
    began = Began(0.0, 1, Configuration((1, 2, 3)), Restored(life=1))
    ask = Send(2, VoteAsk(1, 0, 0))
    campaign = Persist(1, 1, 1, (), 0)
    fired = TimerFired(Timer.ELECTION)
    too_early = Stepped(0.2, 1, fired, (campaign, ask))
    rejected = check([began, too_early])
    assert rejected is not None
    assert rejected[:3] == (1, 0.2, 1)
    assert "votes for node 1 in term 1, and on its disk is term 0" in rejected.why
    in_order = [began, Stepped(0.2, 1, fired, (campaign,)), Stepped(0.3, 1, Persisted(1), (ask,))]
    assert check(in_order) is None


def test_a_failing_seed_is_shrunk_to_few_faults() -> None:
    result = sim.run(seed=1, core_type=engine_of("previous-not-compared"))
    small = sim.shrink(result, core_type=engine_of("previous-not-compared"), most_tries=12)
    assert small.violations[0].promise == result.violations[0].promise
    assert len(small.faults) < len(result.faults)


def test_what_kept_its_promises_cannot_be_shrunk() -> None:
    with pytest.raises(InvalidInput, match="nothing to shrink"):
        sim.shrink(sim.run(SHORT, seed=1))


def test_a_seed_is_the_same_run_in_every_process() -> None:
    code = (
        "from veristack_lab import sim;"
        "print(sim.run(sim.Scenario(chaos_s=4.0, faults=6.0), seed=3).trace)"
    )
    traces = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert traces == {sim.run(SHORT, seed=3).trace}
    assert sim.run(SHORT, seed=4).trace not in traces


def test_a_fault_that_is_left_out_shifts_no_other() -> None:
    faults = plan(SHORT, 5)
    assert len(faults) > 2
    assert plan(SHORT, 5) == faults
    assert sim.run(SHORT, seed=5, faults=faults[:1]).struck.total() == 1


@pytest.mark.parametrize(
    "scenario",
    [
        Scenario(nodes=0),
        Scenario(nodes=10),
        Scenario(clients=0),
        Scenario(keys=0),
        Scenario(chaos_s=-1.0),
        Scenario(think_s=0.0),
        Scenario(chaos_s=1e9),
        Scenario(faults=1e9),
        Scenario(faults=float("nan")),
    ],
)
def test_a_scenario_that_cannot_be_is_refused(scenario: Scenario) -> None:
    with pytest.raises(InvalidInput):
        sim.run(scenario)


def test_a_sweep_needs_seeds() -> None:
    with pytest.raises(InvalidInput, match="at least one seed"):
        sim.sweep([])


def test_the_command_prints_what_was_reached_and_replays_a_seed() -> None:
    runner = CliRunner()
    swept = runner.invoke(app, ["sim", "sweep", "--seeds", "2", "--workers", "1"])
    assert swept.exit_code == 0, swept.output
    for line in ("runs               2", "violations         0", "liveness failures  0"):
        assert line in swept.output
    replayed = runner.invoke(app, ["sim", "sweep", "--seed", "1"])
    assert replayed.exit_code == 0
    assert "seed 1: every promise was kept" in replayed.output
    assert runner.invoke(app, ["sim", "sweep", "--nodes", "0"]).exit_code == 2
