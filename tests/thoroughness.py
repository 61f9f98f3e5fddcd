"""How thorough a run of the tests is: `make test` shows it once, `make test-all` goes on.

A test marked `exhaustive` runs in thorough runs only. One whose size is a number takes it
from `sized`: the least that still shows what the test is about, or as much as is worth minutes.
"""

from __future__ import annotations

import os
from typing import TypeVar

VARIABLE = "VERISTACK_TESTS"
THOROUGH = os.environ.get(VARIABLE) == "thorough"

Size = TypeVar("Size")


def sized(quick: Size, thorough: Size) -> Size:
    """The first in an ordinary run, the second in a thorough one."""
    return thorough if THOROUGH else quick
