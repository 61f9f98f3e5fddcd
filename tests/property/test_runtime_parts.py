"""What becomes of a part that dies: laws of the pure core."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from veristack_lab.runtime.backoff import Backoff
from veristack_lab.runtime.parts import HISTORY, Part, PartState, Restarts

POLICY = Restarts(Backoff(1, 8), deaths=3, window_s=60, steady_s=30)


def new(policy: Restarts = POLICY) -> Part:
    return Part("p", policy, random.Random(1), 0.0)


def test_a_crash_loop_ends_in_a_clear_state() -> None:
    part = new()
    for now_s in (1.0, 20.0):
        part.died(now_s, "boom")
        assert part.state is PartState.DOWN
        assert part.is_due(now_s + 8)
        part.started(now_s + 8)
    part.died(40.0, "the last boom")
    assert (part.state, part.since_s) == (PartState.GAVE_UP, 40.0)
    assert part.reason == "it died 3 times within 60 s: the last boom"
    assert not part.is_due(10**9)


def test_deaths_far_apart_are_no_crash_loop() -> None:
    part = new()
    for number in range(50):
        part.died(number * 61.0, "boom")
        part.started(number * 61.0 + 1)
    assert (part.state, part.restarts) == (PartState.UP, 50)


def test_an_outage_is_not_charged() -> None:
    part = new()
    for now_s in range(50):
        part.died(float(now_s), "the database does not answer", outage=True)
    assert part.state is PartState.DOWN
    assert part.since_s == 0.0
    part.started(50.0)
    assert part.since_s == 50.0


def test_a_part_that_was_steady_starts_with_the_shortest_pause() -> None:
    part = new(Restarts(Backoff(1, 1000), deaths=100, window_s=1, steady_s=30))
    for now_s in (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7):
        part.died(now_s, "boom")
    part.started(1.0)
    part.died(40.0, "boom")
    assert part.due_s <= 41.0


@given(
    st.lists(st.tuples(st.floats(0, 100), st.booleans(), st.booleans()), max_size=80),
    st.integers(1, 5),
)
def test_every_part_is_up_due_or_gave_up(
    steps: list[tuple[float, bool, bool]], deaths: int
) -> None:
    part = new(Restarts(Backoff(1, 8), deaths=deaths, window_s=60, steady_s=30))
    now_s = 0.0
    for pause_s, outage, comes_up in steps:
        now_s += pause_s
        if part.state is PartState.GAVE_UP:
            break
        if part.state is PartState.UP or (part.is_due(now_s) and not comes_up):
            part.died(now_s, "boom", outage=outage)
        elif part.is_due(now_s):
            part.started(now_s)
        assert part.state is not PartState.DOWN or part.due_s <= now_s + 8
        assert len(part.history) <= HISTORY
        assert part.since_s <= now_s


def test_a_silent_part_is_not_dead_and_not_started() -> None:
    part = Part("p", Restarts(), random.Random(1), 0.0)
    part.heard(5.0, "no reply")
    part.heard(8.0, "no reply still")
    assert (part.state, part.since_s, part.reason) == (PartState.SILENT, 5.0, "no reply")
    assert not part.is_due(1000.0)
    part.heard(9.0, "")
    assert (part.state, part.since_s, part.restarts) == (PartState.UP, 9.0, 0)
    part.heard(10.0, "no reply")
    part.died(11.0, "killed")
    assert part.state is PartState.DOWN
    part.heard(12.0, "")  # an answer that was asked for before it died
    assert part.state is PartState.DOWN
