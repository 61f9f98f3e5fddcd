"""Waiting for a state in a test: one limit for all, so long that only a real hang reaches it.

A limit of a few seconds fails on a machine under load, and tells nothing. A test waits for the
state that it needs; what must be quick is measured in the benchmarks.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE_S = 180.0
"""Longer than anything here takes with several busy programs beside it."""
POLL_S = 0.02

Found = TypeVar("Found")


def wait_until(
    condition: Callable[[], Found], what: object = "the condition holds", poll_s: float = POLL_S
) -> Found:
    """Poll until the condition returns something true, and return that.

    Args:
        condition: what is waited for.
        what: says it in words, should it not come.
        poll_s: pause between two looks; longer where a look takes a processor for long.
    """
    deadline_s = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < deadline_s, f"waited {PATIENCE_S:g} s in vain until: {what}"
        time.sleep(poll_s)
    return found
