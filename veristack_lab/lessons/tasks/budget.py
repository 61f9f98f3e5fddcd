"""A bound for a function that may never end: it is counted, not timed.

Every instruction of Python (bytecode) that the function runs, its own or one of what it calls,
counts one. A function that runs more than its budget is stopped with `TooManySteps`, on one
version of Python always at the same instruction. A single call into C that never returns, such as
`sum(itertools.count())`, runs no instruction and cannot be stopped this way; neither can a loop
that catches `BaseException`. Interrupt the kernel there.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

STEPS = 500_000
"""For one call; a right answer to any task here needs a few thousand."""


class TooManySteps(BaseException):
    """The function was stopped. No `except Exception` of the learner catches this."""

    def __init__(self, line: int) -> None:
        super().__init__(f"stopped after {STEPS:,} steps, at line {line}")
        self.line = line


def bounded(function: Callable[..., object], *arguments: object, steps: int = STEPS) -> object:
    """Call a function within a budget of steps.

    Raises:
        TooManySteps: the budget is used up.
        BaseException: whatever the function raises.
    """
    left = steps
    own = getattr(function, "__code__", None)
    line = 0

    def trace(frame: FrameType, _event: str, _argument: Any) -> Any:
        nonlocal left, line
        frame.f_trace_opcodes = True  # a loop on one line has no event for its lines
        left -= 1
        if frame.f_code is own:
            line = frame.f_lineno
        if left < 0:
            raise TooManySteps(line)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        return function(*arguments)
    finally:
        sys.settrace(before)
