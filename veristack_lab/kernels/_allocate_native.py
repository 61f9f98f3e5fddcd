"""Best fit as machine code. Importing this module imports numba."""

from __future__ import annotations

from typing import Any

import numpy as np

from veristack_lab.kernels._jit import kernel


@kernel
def best_fit(free: Any, demands: Any, assignment: Any) -> None:
    """Fill `assignment` and subtract placed blocks from `free`."""
    for item in range(demands.size):
        demand = demands[item]
        best = -1
        least = np.iinfo(np.int64).max
        for node in range(free.size):
            leftover = free[node] - demand
            if 0 <= leftover < least:
                best, least = node, leftover
        assignment[item] = best
        if best >= 0:
            free[best] -= demand
