"""Shrinking a failing list of events to the smallest that still fails."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veristack_lab.errors import InvalidInput
from veristack_lab.sim.shrinking import shrink


def halves(number: int) -> Iterable[int]:
    return [number // 2] if number > 1 else []


def test_two_events_that_fail_together_are_found_among_a_hundred() -> None:
    small = shrink(range(100), lambda events: {17, 83} <= set(events))
    assert small.events == (17, 83)
    assert small.complete
    assert small.tries < 100


def test_what_is_left_is_made_simpler_and_then_shorter() -> None:
    def fails(events: tuple[int, ...]) -> bool:
        return sum(events) >= 10 and (len(events) > 1 or events == (16,))

    small = shrink([64, 5, 1], fails, halves)
    assert small.events == (16,)
    assert small.complete


def test_events_that_do_not_fail_are_refused() -> None:
    with pytest.raises(InvalidInput, match="do not fail"):
        shrink([1, 2], lambda events: False)
    with pytest.raises(InvalidInput, match="at least one try"):
        shrink([1, 2], lambda events: True, most_tries=0)


def test_a_list_that_fails_without_events_is_empty() -> None:
    assert shrink([1, 2, 3], lambda events: True).events == ()
    assert shrink([], lambda events: True).events == ()


def test_tries_are_bounded_and_the_best_so_far_is_returned() -> None:
    asked: list[tuple[int, ...]] = []

    def fails(events: tuple[int, ...]) -> bool:
        asked.append(events)
        return {3, 50, 97} <= set(events)

    small = shrink(range(100), fails, most_tries=15)
    assert not small.complete
    assert small.tries == len(asked) == 15
    assert {3, 50, 97} <= set(small.events)
    assert len(small.events) < 100


@given(
    st.lists(st.integers(0, 50), max_size=25, unique=True), st.sets(st.integers(0, 50), max_size=4)
)
def test_no_event_of_the_result_can_be_left_out(events: list[int], needed: set[int]) -> None:
    asked: list[tuple[int, ...]] = []

    def fails(some: tuple[int, ...]) -> bool:
        asked.append(some)
        return len(needed & set(some)) * 2 >= len(needed)

    if not fails(tuple(events)):
        return
    asked.clear()
    small = shrink(events, fails)
    assert fails(small.events)
    for place in range(len(small.events)):
        assert not fails(small.events[:place] + small.events[place + 1 :])
    assert list(small.events) == [event for event in events if event in small.events]
    again = shrink(events, fails)
    assert again == small
    assert len(asked) >= small.tries


@given(st.lists(st.integers(1, 100), min_size=1, max_size=8), st.integers(1, 100))
def test_simplified_events_cannot_be_simplified_further(events: list[int], least: int) -> None:
    def fails(some: tuple[int, ...]) -> bool:
        return max(some, default=0) >= least

    if fails(tuple(events)):
        small = shrink(events, fails, halves)
        assert len(small.events) == 1
        assert small.events[0] // 2 < least <= small.events[0]
