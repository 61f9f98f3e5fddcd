"""Clocks of simulated nodes: skew, drift and jumps, and timers that count a node's own time."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veristack_lab.errors import InvalidInput
from veristack_lab.sim.clocks import EPOCH_MS, NodeClock, NodeTimers, TimerDue
from veristack_lab.sim.world import World


class Bells:
    """Writes down which timers ring, in the world's time and in the node's."""

    name = "bells"

    def __init__(self, world: World, clock: NodeClock) -> None:
        self.world, self.clock = world, clock
        self.rung: list[tuple[float, Any]] = []
        self.own_s: list[float] = []

    def handle(self, event: TimerDue) -> None:
        self.rung.append((self.world.now_s, event.key))
        self.own_s.append(self.clock.monotonic_s())


def rig(rate: float = 1.0, **settings: float) -> tuple[World, NodeClock, Bells, NodeTimers]:
    world = World()
    clock = NodeClock(world, rate, **settings)
    bells = Bells(world, clock)
    return world, clock, bells, NodeTimers(world, clock, bells, most=3)


def test_a_right_clock_has_the_time_of_the_world() -> None:
    world, clock, _, _ = rig()
    world.run(until_s=2.5)
    assert clock.monotonic_s() == 2.5
    assert clock.now_ms() == EPOCH_MS + 2_500


def test_a_clock_may_be_off_run_fast_and_have_begun_earlier() -> None:
    world, clock, _, _ = rig(1.5, skew_s=-10.0, start_s=100.0)
    world.run(until_s=2.0)
    assert clock.monotonic_s() == 103.0
    assert clock.now_ms() == EPOCH_MS - 7_000
    clock.drift(0.5)
    world.run(until_s=4.0)
    assert clock.monotonic_s() == 104.0
    assert clock.rate == 0.5


@pytest.mark.parametrize("seconds", [3600.0, -3600.0])
def test_a_jump_moves_the_time_of_day_and_nothing_else(seconds: float) -> None:
    world, clock, bells, timers = rig()
    timers.set("a", 2.0)
    world.run(until_s=1.0)
    clock.jump(seconds)
    assert clock.now_ms() == EPOCH_MS + 1_000 + int(seconds * 1_000)
    assert clock.monotonic_s() == 1.0
    world.run()
    assert bells.rung == [(2.0, "a")]


def test_timers_ring_in_the_nodes_own_time() -> None:
    world, _, bells, timers = rig(2.0)
    timers.set("a", 1.0)
    timers.set("b", 3.0)
    timers.set("c", 4.0)
    timers.stop("b")
    timers.stop("never set")
    assert timers.waiting() == {"a": 1.0, "c": 4.0}
    world.run(until_s=1.0)
    timers.drift(0.5)  # 2 s of its own have passed; the other 2 take 4 s
    world.run()
    assert bells.rung == [(0.5, "a"), (5.0, "c")]
    assert timers.waiting() == {}


def test_a_timer_that_is_set_again_rings_once_and_later() -> None:
    world, _, bells, timers = rig()
    for step in range(10):
        timers.set("election", 1.0)
        world.run(until_s=step * 0.5)
    world.run()
    assert bells.rung == [(5.0, "election")]
    timers.set("election", 1.0)
    timers.clear()
    assert world.run() == 0


def test_timers_are_bounded_and_delays_checked() -> None:
    _, clock, _, timers = rig()
    for key in "abc":
        timers.set(key, 1.0)
    with pytest.raises(InvalidInput, match="3 timers"):
        timers.set("d", 1.0)
    for wrong in (-1.0, math.inf, math.nan):
        with pytest.raises(InvalidInput):
            timers.set("a", wrong)
        with pytest.raises(InvalidInput):
            clock.drift(wrong)
    for wrong in (math.inf, math.nan):
        with pytest.raises(InvalidInput):
            clock.jump(wrong)
    with pytest.raises(InvalidInput):
        clock.drift(0.0)


RATES = st.floats(0.5, 2.0)
STEPS = st.lists(st.tuples(st.floats(0, 3), RATES, st.floats(-9, 9)), max_size=20)


@given(RATES, STEPS)
def test_monotonic_time_never_goes_back_and_no_timer_rings_early(
    rate: float, steps: list[tuple[float, float, float]]
) -> None:
    world, clock, bells, timers = rig(rate, start_s=0.1)
    seen, due = [clock.monotonic_s()], []
    for delay_s, new_rate, jump_s in steps:
        due.append(clock.monotonic_s() + delay_s)
        timers.set("a", delay_s)
        world.run(until_s=world.now_s + delay_s / 2)
        seen.append(clock.monotonic_s())
        timers.drift(new_rate)
        seen.append(clock.monotonic_s())
        clock.jump(jump_s)
        world.run(until_s=world.now_s + 7.0)
        seen.append(clock.monotonic_s())
    assert seen == sorted(seen)
    assert len(bells.own_s) == len(due)
    for own_s, expected in zip(bells.own_s, due, strict=True):
        assert own_s >= expected
        assert own_s == pytest.approx(expected)
