"""Run the same test on the machine code and on its plain-Python twin."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import pytest

from veristack_lab import kernels
from veristack_lab.kernels import allocate, pairs, records
from veristack_lab.kernels._jit import native_budget

NEVER = 1 << 62

needs_jit = pytest.mark.skipif(not kernels.jit_enabled(), reason="JIT is off in this run")
both_paths = pytest.mark.parametrize(
    "path", ["python", pytest.param("machine code", marks=needs_jit)]
)


@contextmanager
def running(path: str) -> Iterator[None]:
    """Let every call take this path, however small it is."""
    small = -1 if path == "machine code" else NEVER
    with (
        patch.object(native_budget, "price_units", 0 if path == "machine code" else NEVER),
        patch.object(records, "SMALL_GROUP", small),
        patch.object(allocate, "SMALL_SEARCH", small),
        patch.object(pairs, "SMALL_BATCH", small),
    ):
        yield
