from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kernel_paths import both_paths, running
from veristack_lab.errors import InvalidInput
from veristack_lab.kernels.allocate import best_fit

BLOCKS = st.lists(st.integers(0, 60), max_size=12)
HUGE = st.lists(st.integers(0, (1 << 63) - 1), max_size=6)


@both_paths
@given(free=BLOCKS | HUGE, demands=BLOCKS | HUGE)
def test_every_step_takes_the_least_leftover(
    path: str, free: list[int], demands: list[int]
) -> None:
    with running(path):
        assignment, after = best_fit(free, demands)
    left = list(free)
    for node, demand in zip(assignment.tolist(), demands, strict=True):
        leftovers = [(blocks - demand, index) for index, blocks in enumerate(left)]
        possible = [pair for pair in leftovers if pair[0] >= 0]
        assert node == (min(possible)[1] if possible else -1)
        if node >= 0:
            left[node] -= demand
    assert after.tolist() == left
    assert min(left, default=0) >= 0


@both_paths
@given(free=BLOCKS, demands=BLOCKS)
def test_blocks_are_conserved(path: str, free: list[int], demands: list[int]) -> None:
    with running(path):
        assignment, after = best_fit(free, demands)
    placed = sum(d for d, node in zip(demands, assignment, strict=True) if node >= 0)
    assert sum(free) == int(after.sum()) + placed


@both_paths
def test_nothing_is_changed_in_place(path: str) -> None:
    free, demands = np.array([5, 9]), np.array([4, 4])
    with running(path):
        assignment, after = best_fit(free, demands)
    assert free.tolist() == [5, 9]
    assert (assignment.tolist(), after.tolist()) == ([0, 1], [1, 5])


@both_paths
def test_ties_go_to_the_lower_index_and_no_room_is_minus_one(path: str) -> None:
    with running(path):
        assignment, after = best_fit([7, 3, 3], [3, 3, 3, 5])
    assert assignment.tolist() == [1, 2, 0, -1]
    assert after.tolist() == [4, 0, 0]


@pytest.mark.parametrize(
    ("free", "demands"),
    [([-1], [1]), ([1], [-1]), ([1.5], [1]), ([[1]], [1]), ([1], [1 << 63])],
)
def test_what_cannot_be_is_refused(free: list, demands: list) -> None:
    with pytest.raises(InvalidInput, match=r"free_blocks|demands"):
        best_fit(free, demands)
