"""Hold a function to the cases of its task: passed, or the first bad event."""

from __future__ import annotations

import contextlib
import io
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from veristack_lab.lessons.tasks.budget import STEPS, TooManySteps, bounded
from veristack_lab.lessons.tasks.cases import Case, Task, show
from veristack_lab.runtime.counting import counted

MAX_PRINTED = 2000

Answer = Callable[..., object]


@dataclass(frozen=True)
class Verdict:
    """What became of one check of a task."""

    task: Task
    cases: int
    """How many cases were right, in order."""
    called: str = ""
    """The call of the first bad event; empty when all cases were right."""
    expected: str = ""
    got: str = ""
    why: str = ""
    printed: str = ""
    """What the function printed in the case that failed."""

    @property
    def is_passed(self) -> bool:
        """Whether every case was right."""
        return not self.called

    def __str__(self) -> str:
        if self.is_passed:
            return f"task {self.task.id}: passed ({counted(self.cases, 'case')})"
        why = f" ({self.why})" if self.why else ""
        return (
            f"task {self.task.id}: not yet. {self.called}: expected {self.expected},"
            f" got {self.got}{why}"
        )


def check(task: Task, function: Answer) -> Verdict:
    """Call the function with each case, until one goes wrong. Never raises what it raises."""
    name = getattr(function, "__name__", "answer")
    right = 0
    for case in task.cases():
        called = f"{name}({', '.join(map(show, case.arguments))})"
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            got, expected = _try(function, case)
        if expected is not None:
            said = printed.getvalue()[:MAX_PRINTED]
            return Verdict(task, right, called, expected, got, case.why, said)
        right += 1
    return Verdict(task, right)


def _try(function: Answer, case: Case) -> tuple[str, str | None]:
    """(what came, what was expected instead or None)."""
    try:
        value = bounded(function, *case.arguments)
    except TooManySteps as stopped:
        return f"no end within {STEPS:,} steps (line {stopped.line})", "an answer"
    except RecursionError:
        return "a function that calls itself without end", "an answer"
    except (Exception, SystemExit) as error:  # noqa: BLE001 -- whatever it raises is the event
        return _describe(error, function), "an answer"
    return show(value) if value is not None else "None (no return?)", case.judge(value)


def _describe(error: BaseException, function: Answer) -> str:
    """The error's class and message, and the line of the cell that raised it."""
    words = traceback.format_exception_only(error)[-1].strip()
    if isinstance(error, SystemExit):
        words = "a call of exit()"
    code = getattr(function, "__code__", None)
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame.lineno for frame in frames if code and frame.filename == code.co_filename]
    return f"{words} (line {own[-1]})" if own else words
