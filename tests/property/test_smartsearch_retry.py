"""Laws of the retry decision."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from veristack_lab.smartsearch.retry import Cause, GiveUp, Retry, decide
from veristack_lab.smartsearch.settings import RetryPolicy

POLICIES = st.builds(
    RetryPolicy,
    max_refusals=st.integers(1, 9),
    max_attempts=st.integers(1, 40),
    retry_base_s=st.floats(0.01, 5),
    retry_max_s=st.floats(5, 600),
)


@given(POLICIES, st.lists(st.sampled_from(list(Cause)), min_size=60, max_size=60))
def test_every_sequence_of_failures_comes_to_an_end(policy: RetryPolicy, causes: list[Cause]):
    refusals = 0
    for attempts, cause in enumerate(causes, start=1):
        refusals += cause is Cause.REFUSED
        if isinstance(decide(cause, attempts, refusals, policy), GiveUp):
            assert refusals <= policy.max_refusals
            assert attempts <= policy.max_attempts
            return
    raise AssertionError("sixty failures and still no end")


@given(POLICIES, st.integers(1, 10_000))
def test_the_pause_grows_and_is_capped(policy: RetryPolicy, attempts: int):
    wide = RetryPolicy(9, 10**6, policy.retry_base_s, policy.retry_max_s)
    first, then = (decide(Cause.OUTAGE, n, 0, wide) for n in (attempts, attempts + 1))
    assert isinstance(first, Retry)
    assert isinstance(then, Retry)
    assert 0 < first.delay_s <= then.delay_s <= policy.retry_max_s


@given(POLICIES, st.integers(0, 8))
def test_an_outage_never_uses_up_the_budget_of_refusals(policy: RetryPolicy, refusals: int):
    attempts = policy.max_attempts - 1
    assert isinstance(decide(Cause.OUTAGE, attempts, refusals, policy), Retry)
