"""Runs of a cluster: one seed, all faults, and every promise asked.

A run has three parts. In the first, faults come as the seed has planned them. Then a majority that
the seed chooses is healed and must serve, while all else stays as broken as it is. At last
everything is healed, and every node must come to the same state.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from veristack_lab.errors import WorldOverrun
from veristack_lab.sim.cluster.clients import Client, Clients
from veristack_lab.sim.cluster.cluster import Cluster
from veristack_lab.sim.cluster.promises import Promises, Violation
from veristack_lab.sim.cluster.reached import Reached
from veristack_lab.sim.cluster.scenario import Scenario
from veristack_lab.sim.cluster.spec import Spec
from veristack_lab.sim.cluster.trace import Began, Happened, Stepped
from veristack_lab.sim.linearizability import check_linearizable
from veristack_lab.sim.swarm import Fault, plan_faults
from veristack_lab.veristore.raft.configuration import Configuration
from veristack_lab.veristore.raft.core import Raft
from veristack_lab.veristore.raft.effects import Effect, Role
from veristack_lab.veristore.raft.events import Event, Restored

_STEP_S = 0.05


class Result(NamedTuple):
    """What a run showed."""

    scenario: Scenario
    seed: int
    faults: tuple[Fault, ...]
    """Those that were planned."""
    violations: tuple[Violation, ...]
    """Broken promises, first first."""
    struck: Counter[str]
    """Faults that began, by kind."""
    operations: int
    """Of clients, with a known result."""
    unknown: int
    events: int
    virtual_s: float
    commit: int
    """The highest index that was committed."""
    trace: str
    """Hash of everything that happened."""
    reached: Counter[str]
    """Rare situations (`reached.SITUATIONS`) that came about."""

    @property
    def ok(self) -> bool:
        """Whether every promise was kept."""
        return not self.violations

    def with_violation(self, promise: str, story: str) -> Result:
        """The same, with one more broken promise of the whole run."""
        broken = Violation(promise, self.virtual_s, 0, story)
        return self._replace(violations=(*self.violations, broken))

    def explain(self) -> str:
        """The first bad event, in a sentence."""
        if self.ok:
            return f"seed {self.seed}: every promise was kept"
        first = self.violations[0]
        return f"seed {self.seed}, at {first.at_s:.3f} s: {first.story} ({first.promise})"


class _Judge:
    """Hears every step, and asks the promises and the specification. Implements `Listener`."""

    def __init__(self) -> None:
        self.cluster: Cluster | None = None
        self.promises: Promises | None = None
        self.spec: Spec | None = Spec()
        self.rejections: list[Violation] = []
        self.reached = Reached()

    def attach(self, cluster: Cluster) -> None:
        """The cluster exists now."""
        self.cluster = cluster
        self.promises = Promises(cluster.devices, lambda: cluster.world.now_s)

    def began(self, node: int, configuration: Configuration, restored: Restored) -> None:
        """A core was made."""
        assert self.promises is not None
        assert self.cluster is not None
        self.promises.began(node, restored)
        self._tell_spec(Began(self.cluster.world.now_s, node, configuration, restored))

    def stepped(self, node: int, core: Any, event: Event, effects: list[Effect]) -> None:
        """A core took an event."""
        assert self.promises is not None
        assert self.cluster is not None
        self.promises.stepped(node, core, effects)
        self.reached.stepped(core, event, effects)
        self._tell_spec(Stepped(self.cluster.world.now_s, node, event, tuple(effects)))

    def _tell_spec(self, happened: Happened) -> None:
        if self.spec is None:
            return
        why = self.spec.judge(happened)
        if why:
            self.spec = None  # what follows a forbidden action means nothing
            self.rejections.append(
                Violation(
                    "specification", happened.at_s, happened.node, f"node {happened.node}: {why}"
                )
            )


def plan(scenario: Scenario, seed: int) -> tuple[Fault, ...]:
    """The faults that a seed brings."""
    from veristack_lab.sim.choices import Choices

    ids = range(1, scenario.nodes + 1)
    if scenario.nodes < 2 or not scenario.kinds:
        return ()
    return plan_faults(
        Choices(seed), scenario.kinds, list(ids), scenario.chaos_s, scenario.faults, start_s=0.5
    )


def run(
    scenario: Scenario | None = None,
    seed: int = 0,
    *,
    faults: Sequence[Fault] | None = None,
    core_type: Callable[..., Raft] = Raft,
) -> Result:
    """Run a cluster under a seed.

    Args:
        scenario: the parameters; `Scenario()` unless given.
        seed: decides every choice.
        faults: instead of those that the seed plans.
        core_type: what makes a core; an exhibit gives its own.

    Raises:
        InvalidInput: the scenario is not valid.
    """
    scenario = (scenario or Scenario()).checked()
    planned = plan(scenario, seed) if faults is None else tuple(faults)
    judge, clients = _Judge(), Clients()
    cluster = Cluster(scenario, seed, judge, clients.answered, core_type)
    judge.attach(cluster)
    assert judge.promises is not None
    found = judge.promises.violations
    cluster.nemesis.schedule(planned)
    cluster.start()
    people = [Client(cluster, clients, number) for number in range(1, scenario.clients + 1)]
    for client in people:
        client.start()
    try:
        cluster.world.run(scenario.chaos_s)
        if not (found or judge.rejections):
            _serve_and_converge(cluster, clients, people, found)
    except WorldOverrun as error:
        found.append(Violation("serves", cluster.world.now_s, 0, str(error)))
    _judge_history(cluster, clients, found)
    violations = sorted([*found, *judge.rejections], key=lambda each: each.at_s)
    return Result(
        scenario, seed, planned, tuple(violations), cluster.nemesis.counts, clients.done,
        clients.gave_up, cluster.world.events, cluster.world.now_s, judge.promises.commit,
        cluster.world.trace.hexdigest(), judge.reached.counts,
    )  # fmt: skip


def _serve_and_converge(
    cluster: Cluster, clients: Clients, people: list[Client], found: list[Violation]
) -> None:
    """The two halves of liveness."""
    scenario, ids = cluster.scenario, cluster.ids
    limit_s = scenario.calm_timeouts * scenario.settings.election_high_s
    majority = cluster.choices.stream("majority").sample(ids, len(ids) // 2 + 1)
    cluster.nemesis.relent(spare=lambda fault: _only_others(fault, majority))
    for node in majority:
        cluster.processes.start(node)
    done = clients.done
    if not _until(cluster, lambda: clients.done >= done + len(people), limit_s):
        story = f"nodes {majority} were connected for {limit_s:g} s and served no client"
        found.append(Violation("serves", cluster.world.now_s, 0, story))
        return
    cluster.nemesis.relent()
    cluster.network.heal()
    for node in ids:
        cluster.processes.start(node)
    for client in people:
        client.stop()
    if not _until(cluster, lambda: _same(cluster) and not any(p.busy for p in people), limit_s):
        states = "; ".join(str(_state(cluster, node)) for node in ids)
        story = f"{limit_s:g} s after the last fault the nodes differ: {states}"
        found.append(Violation("converges", cluster.world.now_s, 0, story))


def _only_others(fault: Fault, majority: Sequence[int]) -> bool:
    """Whether a fault may stay: it strikes no node and no link of the majority."""
    return bool(fault.target) and not set(fault.target) & set(majority)


def _until(cluster: Cluster, holds: Callable[[], bool], limit_s: float) -> bool:
    """Let the world go on until something holds; False if it does not within the limit."""
    end_s = cluster.world.now_s + limit_s
    while not holds():
        if cluster.world.now_s >= end_s:
            return False
        cluster.world.run(min(end_s, cluster.world.now_s + _STEP_S))
    return True


def _state(cluster: Cluster, node: int) -> tuple[int, int, int, str]:
    member = cluster.member(node)
    if member is None:
        return node, 0, 0, "down"
    status = member.status()
    return node, status.commit, status.applied, str(member.machine.state_hash())


def _same(cluster: Cluster) -> bool:
    states = [_state(cluster, node) for node in cluster.ids]
    leads = any(
        member is not None and member.status().role is Role.LEADER
        for member in map(cluster.member, cluster.ids)
    )
    return leads and len({state[1:] for state in states}) == 1


def _judge_history(cluster: Cluster, clients: Clients, found: list[Violation]) -> None:
    verdict = check_linearizable(clients.history.operations())
    if not verdict.ok:
        at_s = verdict.operation.return_s if verdict.operation else cluster.world.now_s
        found.append(Violation("linearizable", at_s, 0, verdict.story))
    now_s = cluster.world.now_s
    found += [Violation("exactly-once", now_s, 0, story) for story in clients.twice]
