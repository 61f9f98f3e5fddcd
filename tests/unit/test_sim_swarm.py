"""Plans of faults, what carries them out, and that each fault stands for itself."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.sim_toy import NODES, Toy, plan, run
from veristack_lab.errors import InvalidInput
from veristack_lab.sim.choices import Choices
from veristack_lab.sim.clocks import EPOCH_MS
from veristack_lab.sim.delays import Uniform
from veristack_lab.sim.nemesis import Nemesis
from veristack_lab.sim.swarm import (
    KINDS,
    Fault,
    Kind,
    Options,
    Range,
    choose_kinds,
    plan_faults,
    simpler_fault,
)
from veristack_lab.sim.world import World

SEEDS = range(200)


def test_a_seed_uses_some_kinds_of_faults_and_all_seeds_use_all() -> None:
    used = [{kind.name for kind, _ in choose_kinds(Choices(seed), KINDS)} for seed in SEEDS]
    assert set.union(*used) == {kind.name for kind in KINDS}
    assert all(used)
    assert sum(map(len, used)) / len(used) == pytest.approx(len(KINDS) / 2, rel=0.1)
    assert len({frozenset(names) for names in used}) > 190


def test_a_new_kind_changes_nothing_for_the_others() -> None:
    more = (*KINDS, Kind("disk-error", "node"))
    for seed in SEEDS:
        before = choose_kinds(Choices(seed), KINDS)
        after = [each for each in choose_kinds(Choices(seed), more) if each[0].name != "disk-error"]
        assert after == before or not before


def test_plans_have_their_mean_their_times_and_real_targets() -> None:
    plans = [
        plan_faults(Choices(seed), KINDS, NODES, 20.0, mean=9.0, start_s=1.0) for seed in SEEDS
    ]
    faults = [fault for each in plans for fault in each]
    assert len(faults) / len(plans) == pytest.approx(9.0, rel=0.1)
    assert all(each == tuple(sorted(each, key=lambda fault: fault.time_s)) for each in plans)
    assert all(1.0 <= fault.time_s <= 20.0 for fault in faults)
    sizes = {kind.name: kind.target for kind in KINDS}
    for fault in faults:
        assert set(fault.target) <= set(NODES)
        assert len(set(fault.target)) == len(fault.target)
        expected = {"node": (1,), "link": (2,), "pair": (2,), "group": (1, 2), "network": (0,)}
        assert len(fault.target) in expected[sizes[fault.kind]]
        assert fault.lasts_s == 0.0 or 0.05 <= fault.lasts_s <= 5.0
    links = Counter(fault.target for fault in faults if sizes[fault.kind] == "link")
    groups = Counter(fault.target for fault in faults if sizes[fault.kind] == "group")
    assert (len(links), len(groups)) == (6, 6)
    assert plans[3] == plan_faults(Choices(3), KINDS, NODES, 20.0, mean=9.0, start_s=1.0)


def test_every_kind_of_fault_happens_and_is_undone() -> None:
    counts: Counter[str] = Counter()
    for seed in range(40):
        _, toy = run(seed)
        counts += toy.nemesis.counts
        assert toy.nemesis.in_force() == toy.nemesis.coming() == []
        assert all(toy.network.is_open(one, two) for one in NODES for two in NODES)
        assert all(toy.processes.state(node) == "up" for node in NODES)
        assert all(toy.clocks[node].rate == 1.0 for node in NODES)
        assert toy.network.conditions(1, 2) == toy.network.conditions(3, 1)
        assert toy.network.conditions(1, 2).loss == 0.0
        assert toy.nemesis.counts.total() == len(plan(seed))
    assert set(counts) == {kind.name for kind in KINDS}


class Effect:
    """What one fault does, seen at its middle and after its end."""

    def __init__(self, *faults: Fault) -> None:
        self.toy = Toy(1)
        self.toy.nemesis.schedule(faults)

    def at(self, moment_s: float) -> Toy:
        self.toy.world.run(until_s=moment_s)
        return self.toy


def closed(toy: Toy) -> set[tuple[int, int]]:
    return {(one, two) for one in NODES for two in NODES if not toy.network.is_open(one, two)}


@pytest.mark.parametrize(
    ("kind", "target", "links"),
    [
        ("cut", (1, 2), {(1, 2)}),
        ("cut-pair", (1, 2), {(1, 2), (2, 1)}),
        ("partition", (1,), {(1, 2), (2, 1), (1, 3), (3, 1)}),
        ("partition", (1, 3), {(1, 2), (2, 1), (2, 3), (3, 2)}),
        ("deaf", (2,), {(1, 2), (3, 2)}),
        ("mute", (2,), {(2, 1), (2, 3)}),
        ("clog", (3, 1), {(3, 1)}),
        ("clog-node", (3,), {(1, 3), (3, 1), (2, 3), (3, 2)}),
    ],
)
def test_faults_of_links_close_these_links(
    kind: str, target: tuple[int, ...], links: set[tuple[int, int]]
) -> None:
    effect = Effect(Fault(1.0, kind, target, 2.0))
    assert closed(effect.at(0.9)) == set()
    assert closed(effect.at(1.1)) == links
    assert closed(effect.at(3.1)) == set()


def test_faults_of_the_same_kind_overlap_and_the_worst_or_latest_is_in_force() -> None:
    def fault(kind: str, at_s: float, lasts_s: float, name: str, value: float) -> Fault:
        target = () if name in ("probability", "delay_s") else (1,)
        return Fault(at_s, kind, target, lasts_s, ((name, value),))

    effect = Effect(
        fault("loss", 1.0, 4.0, "probability", 0.3),
        fault("loss", 2.0, 2.0, "probability", 0.1),
        fault("drift", 1.0, 2.0, "rate", 1.1),
        fault("drift", 2.0, 3.0, "rate", 0.9),
        fault("slow-network", 1.0, 4.0, "delay_s", 0.2),
    )
    assert effect.at(1.5).clocks[1].rate == 1.1
    toy = effect.at(2.5)
    assert (toy.network.conditions(1, 2).loss, toy.clocks[1].rate) == (0.3, 0.9)
    assert toy.network.conditions(2, 3).delay == Uniform(0.1, 0.2 * 1.5)
    assert effect.at(3.5).clocks[1].rate == 0.9
    assert effect.at(4.5).network.conditions(1, 2).loss == 0.3
    toy = effect.at(6.0)
    assert (toy.network.conditions(1, 2).loss, toy.clocks[1].rate) == (0.0, 1.0)


def test_faults_of_processes_and_clocks_do_what_they_say() -> None:
    effect = Effect(
        Fault(1.0, "kill", (1,), 1.0),
        Fault(1.0, "pause", (2,), 1.0),
        Fault(1.0, "power-cut", (3,), 1.0, (("policy", "torn"),)),
        Fault(3.0, "clock-jump", (1,), 0.0, (("seconds", -60.0),)),
        Fault(3.0, "pause", (1,), 1.0),
        Fault(3.5, "kill", (1,), 0.1),
    )
    lines: list[str] = []
    effect.toy.world.trace._sink = lines.append
    states = [effect.toy.processes.state]
    effect.at(1.5)
    assert [states[0](node) for node in NODES] == ["down", "paused", "down"]
    assert any("disk of 3 after a cut of policy torn" in line for line in lines)
    toy = effect.at(2.5)
    assert [states[0](node) for node in NODES] == ["up", "up", "up"]
    assert toy.clocks[1].now_ms() == EPOCH_MS + 2_500
    toy = effect.at(5.0)
    assert toy.clocks[1].now_ms() == EPOCH_MS + 5_000 - 60_000
    assert toy.processes.state(1) == "up"


def test_the_nemesis_relents_and_spares_what_it_is_told_to() -> None:
    effect = Effect(
        Fault(1.0, "partition", (1,), 10.0),
        Fault(1.0, "cut", (2, 3), 10.0),
        Fault(1.0, "kill", (3,), 10.0),
        Fault(5.0, "pause", (2,), 10.0),
        Fault(5.0, "kill", (1,), 10.0),
    )
    toy = effect.at(2.0)
    toy.nemesis.relent(spare=lambda fault: fault.target[0] == 1)
    assert [fault.kind for fault in toy.nemesis.in_force()] == ["partition"]
    assert [str(fault) for fault in toy.nemesis.coming()] == ["at 5 s kill of 1 for 10 s"]
    assert closed(toy) == {(1, 2), (2, 1), (1, 3), (3, 1)}
    assert toy.processes.state(3) == "up"
    toy = effect.at(6.0)
    assert [toy.processes.state(node) for node in NODES] == ["down", "up", "up"]
    toy.nemesis.relent()
    toy = effect.at(30.0)
    assert closed(toy) == set()
    assert toy.processes.state(1) == "up"


def without_nemesis(lines: list[str]) -> list[str]:
    return [line for line in lines if " nemesis " not in line]


def test_a_fault_taken_out_of_a_plan_changes_nothing_before_its_time() -> None:
    for seed in range(5):
        lines: list[str] = []
        run(seed, sink=lines.append)
        for place, removed in enumerate(plan(seed)):
            fewer: list[str] = []
            rest = [fault for number, fault in enumerate(plan(seed)) if number != place]
            _, toy = run(seed, rest, fewer.append)
            struck = next(at for at, line in enumerate(lines) if f"fault={removed!r}" in line)
            before = without_nemesis(lines[:struck])
            assert without_nemesis(fewer)[: len(before)] == before
            assert toy.nemesis.counts.total() == len(rest)


def test_what_no_handler_does_is_refused_and_parameters_have_names() -> None:
    world = World()
    done: list[Any] = []
    nemesis = Nemesis(world, {"flood": done.append})
    with pytest.raises(InvalidInput, match="kind 'fire'"):
        nemesis.schedule([Fault(1.0, "fire", ())])
    flood = Fault(1.0, "flood", (), 0.0, (("depth", 2.0),))
    nemesis.schedule([flood])
    world.run()
    assert done == [flood]
    assert nemesis.in_force() == []
    assert flood.parameter("depth") == 2.0
    with pytest.raises(InvalidInput, match="no parameter 'width'"):
        flood.parameter("width")


def test_plans_that_cannot_be_are_refused() -> None:
    for wrong in (
        lambda: plan_faults(Choices(0), KINDS, [1], 20.0),
        lambda: plan_faults(Choices(0), KINDS, NODES, 1.0, start_s=2.0),
        lambda: plan_faults(Choices(0), KINDS, NODES, 20.0, mean=-1.0),
        lambda: plan_faults(Choices(0), [], NODES, 20.0),
    ):
        with pytest.raises(InvalidInput):
            wrong()
    lonely = [choose_kinds(Choices(seed), KINDS[:1]) for seed in range(20)]
    assert all(len(kinds) == 1 for kinds in lonely)


def test_ranges_and_options_cover_what_they_say() -> None:
    words = [Choices(2).stream("words").row(number)[0] for number in range(2_000)]
    skewed = [Range(0.01, 10.0, skewed=True).of(word) for word in words]
    assert 0.01 <= min(skewed) < 0.012
    assert 9.5 < max(skewed) <= 10.0
    middle = sorted(skewed)[1_000]
    assert middle == pytest.approx((0.01 * 10.0) ** 0.5, rel=0.2)
    assert {Options(("a", "b", "c")).of(word) for word in words} == {"a", "b", "c"}
    assert Range(2.0, 2.0, skewed=True).of(0) == 2.0


def test_simpler_faults_come_to_an_end() -> None:
    for fault in plan(5):
        steps, current = 0, [fault]
        while current:
            steps, current = steps + 1, simpler_fault(current[-1])
        assert steps < 60
