"""Check a small task where it is written.

    @lessons.task("01/whole-records")
    def whole_bytes(log: bytes) -> int:
        ...

The decorator calls the function with the cases of the task and shows "passed" or the first bad
event. It returns the function unchanged, and never raises because of what the function does.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import TypeVar

from veristack_lab.errors import InvalidInput
from veristack_lab.lessons.answers import ANSWERS
from veristack_lab.lessons.live import Bundle, Live
from veristack_lab.lessons.predictions import BOX, INK
from veristack_lab.lessons.tasks.registry import find
from veristack_lab.lessons.tasks.verdicts import Verdict, check
from veristack_lab.runtime.counting import counted

Function = TypeVar("Function", bound=Callable[..., object])


def task(task_id: str) -> Callable[[Function], Function]:
    """Check the function below against the task of this id, as soon as its cell runs.

    Args:
        task_id: the number of the notebook, a slash and a name; see `tasks.registry`.

    Raises:
        InvalidInput: there is no such task, or what is decorated is no function.
    """
    found = find(task_id)

    def judge(function: Function) -> Function:
        if not callable(function):
            raise InvalidInput(f"put @lessons.task({task_id!r}) above a `def`")
        verdict = check(found, function)
        Live(lambda: drawn(verdict)).show()
        ANSWERS.try_task(task_id, is_passed=verdict.is_passed)
        return function

    return judge


def drawn(verdict: Verdict) -> Bundle:
    """A verdict as a small table with folded hints, and as one line of text."""
    rows = ""
    if not verdict.is_passed:
        facts = [
            ("called", verdict.called),
            ("expected", verdict.expected),
            ("got", verdict.got),
            ("about", verdict.why),
            ("printed", verdict.printed),
        ]
        rows = "".join(_row(name, text) for name, text in facts if text)
        rows = f'<table style="margin:6px 0;text-align:left">{rows}</table>{_hints(verdict)}'
    mark = "✓" if verdict.is_passed else "✕"
    state = f"passed, {counted(verdict.cases, 'case')}" if verdict.is_passed else "not yet"
    html = (
        f'<div class="veristack-task" data-task="{escape(verdict.task.id)}" '
        f'data-passed="{str(verdict.is_passed).lower()}" role="group" style="{BOX}{INK}">'
        f'<b><span aria-hidden="true">{mark}</span> {escape(verdict.task.id)},'
        f" {escape(verdict.task.title)}: {state}</b>{rows}</div>"
    )
    return {"text/plain": str(verdict), "text/html": html}


def _row(name: str, text: str) -> str:
    code = "font-family:ui-monospace,monospace;white-space:pre-wrap;overflow-wrap:anywhere;"
    cell = "text-align:left;vertical-align:top;padding:1px 10px 1px 0;"
    return (
        f'<tr><th scope="row" style="{cell}">{name}</th>'
        f'<td style="{cell}{code}">{escape(text)}</td></tr>'
    )


def _hints(verdict: Verdict) -> str:
    return "".join(
        f"<details><summary>hint {number}</summary>{escape(hint)}</details>"
        for number, hint in enumerate(verdict.task.hints, 1)
    )
