"""Laws of the pauses and of the circuit breaker."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veristack_lab.errors import InvalidInput
from veristack_lab.runtime.backoff import Backoff
from veristack_lab.runtime.breaker import Breaker, BreakerState

BACKOFFS = st.builds(Backoff, base_s=st.floats(0, 1e6), cap_s=st.floats(0, 1e6))
STEPS = st.lists(
    st.tuples(st.floats(0, 20), st.sampled_from(["succeeds", "fails", "hangs"])), max_size=60
)


@given(BACKOFFS, st.integers(1, 10**9), st.integers())
def test_a_pause_is_bounded_and_its_ceiling_grows(
    backoff: Backoff, attempt: int, seed: int
) -> None:
    first, then = backoff.ceiling_s(attempt), backoff.ceiling_s(attempt + 1)
    assert 0 <= backoff.delay_s(attempt, random.Random(seed)) <= first <= then <= backoff.cap_s
    assert backoff.delay_s(attempt, random.Random(seed)) == backoff.delay_s(
        attempt, random.Random(seed)
    )


def test_the_ceiling_doubles() -> None:
    assert [Backoff(2, 60).ceiling_s(n) for n in (-1, 1, 2, 3, 6, 10**9)] == [2, 2, 4, 8, 60, 60]
    with pytest.raises(InvalidInput):
        Backoff(float("nan"), 1)


def test_the_draws_fill_the_whole_range() -> None:
    rng = random.Random(1)
    drawn = [Backoff(8, 8).delay_s(1, rng) for _ in range(200)]
    assert min(drawn) < 1 < 7 < max(drawn)


def test_a_breaker_opens_probes_and_closes() -> None:
    breaker = Breaker(failures=2, open_s=5, probe_s=10)
    for now_s in (0.0, 1.0):
        permit = breaker.ask(now_s)
        assert permit is not None
        breaker.tell(permit, now_s, success=False)
    assert breaker.state is BreakerState.OPEN
    assert breaker.ask(5.9) is None
    assert breaker.left_s(5.5) == 0.5
    probe = breaker.ask(6.0)
    assert probe is not None
    assert probe.is_probe
    assert breaker.ask(6.1) is None  # one probe at a time
    breaker.tell(permit, 6.2, success=True)  # a call from before it opened says nothing
    assert breaker.state is BreakerState.HALF_OPEN
    breaker.tell(probe, 7.0, success=False)
    assert (breaker.state, breaker.ask(11.9)) == (BreakerState.OPEN, None)
    lost = breaker.ask(12.0)
    assert lost is not None
    assert breaker.ask(21.9) is None
    again = breaker.ask(22.0)  # the probe never came back
    assert again is not None
    breaker.tell(lost, 22.5, success=False)
    breaker.tell(again, 23.0, success=True)
    assert breaker.state is BreakerState.CLOSED


@given(STEPS, st.integers(1, 4))
def test_a_breaker_lets_few_failures_through_and_always_comes_back(
    steps: list[tuple[float, str]], failures: int
) -> None:
    breaker, now_s, opened_s = Breaker(failures, open_s=5, probe_s=10), 0.0, None
    in_a_row = 0
    for pause_s, outcome in steps:
        now_s += pause_s
        permit = breaker.ask(now_s)
        if permit is None:
            assert breaker.left_s(now_s) > 0
            continue
        if opened_s is not None:
            assert now_s - opened_s >= 5
        if outcome == "hangs":
            continue
        in_a_row = 0 if outcome == "succeeds" else in_a_row + 1
        breaker.tell(permit, now_s, success=outcome == "succeeds")
        opened_s = now_s if breaker.state is BreakerState.OPEN else None
        if breaker.state is BreakerState.CLOSED:
            assert in_a_row < failures
    permit = breaker.ask(now_s + 10)  # whatever happened, a call is allowed after a while
    assert permit is not None
    breaker.tell(permit, now_s + 10, success=True)
    assert breaker.state is BreakerState.CLOSED
