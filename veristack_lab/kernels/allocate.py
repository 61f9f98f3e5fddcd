"""Where blocks go: best fit, for a batch of demands one after the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from veristack_lab.errors import InvalidInput
from veristack_lab.kernels._jit import native_budget

SMALL_SEARCH = 16
"""Up to this many comparisons (nodes x demands), plain Python is faster than the kernel."""
COMPARISON_UNITS = 1
"""What Python's handling of one comparison costs, in the units of `NATIVE_PRICE_UNITS`."""


def best_fit(
    free_blocks: Sequence[int] | npt.NDArray[np.int64],
    demands: Sequence[int] | npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Place each demand on the node that it leaves the least free; ties go to the lower index.

    Least leftover keeps the large gaps whole for large demands to come.
    Source: D. Knuth, The Art of Computer Programming 1, section 2.5.

    Args:
        free_blocks: shape (nodes,), free blocks of each node; left as it is.
        demands: shape (n,), blocks that each demand takes, placed in this order.

    Returns:
        The node of each demand, or -1 if no node has room, shape (n,); and the free blocks of each
        node afterwards, shape (nodes,).

    Raises:
        InvalidInput: something is negative, or not one row of whole numbers.
    """
    free, wanted = _whole(free_blocks, "free_blocks"), _whole(demands, "demands")
    assignment = np.empty(wanted.size, np.int64)
    comparisons = free.size * wanted.size
    if comparisons > SMALL_SEARCH and native_budget.pays(COMPARISON_UNITS * comparisons):
        from veristack_lab.kernels import _allocate_native as native

        native.best_fit(free, wanted, assignment)
        return assignment, free
    left = free.tolist()
    assignment[:] = best_fit_python(left, wanted.tolist())
    return assignment, np.array(left, np.int64)


def best_fit_python(free: list[int], demands: list[int]) -> list[int]:
    """The twin: the node of each demand or -1; subtracts placed blocks from `free`."""
    assignment = []
    for demand in demands:
        fitting = [(blocks, node) for node, blocks in enumerate(free) if blocks >= demand]
        node = min(fitting)[1] if fitting else -1
        if fitting:
            free[node] -= demand
        assignment.append(node)
    return assignment


def _whole(values: Sequence[int] | npt.NDArray[np.int64], name: str) -> npt.NDArray[np.int64]:
    """A fresh int64 copy."""
    given = np.asarray(values)
    if given.ndim != 1 or (given.size and given.dtype.kind not in "iu"):
        raise InvalidInput(f"{name} is one row of whole numbers")
    if given.size and not 0 <= given.min() <= given.max() <= np.iinfo(np.int64).max:
        raise InvalidInput(f"{name} holds a negative number, or one beyond 64 bits")
    return np.array(given, np.int64)
