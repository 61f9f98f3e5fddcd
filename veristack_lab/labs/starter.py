"""The starter, generated from the solution: the text between the markers is removed."""

from __future__ import annotations

import re
from collections.abc import Collection

from veristack_lab.errors import InvalidInput

_BEGIN = re.compile(r"^(?P<indent>\s*)# BEGIN SOLUTION (?P<task>\S+)$")
_END = re.compile(r"^\s*# END SOLUTION$")


def generate(solution: str, tasks: Collection[str] | None = None) -> str:
    """The solution with the marked parts replaced by `raise NotImplementedError`.

    Args:
        solution: source text with `# BEGIN SOLUTION task` and `# END SOLUTION` lines.
        tasks: take out only the parts of these tasks; all when None.

    Raises:
        InvalidInput: markers do not come in pairs.
    """
    lines: list[str] = []
    inside, taking = False, False
    for number, line in enumerate(solution.splitlines(), start=1):
        begin, end = _BEGIN.match(line), _END.match(line)
        if (begin and inside) or (end and not inside):
            raise InvalidInput(f"line {number}: solution markers do not come in pairs")
        if begin:
            inside, taking = True, tasks is None or begin["task"] in tasks
            if taking:
                lines.append(f'{begin["indent"]}raise NotImplementedError("task {begin["task"]}")')
        elif end:
            inside = taking = False
        elif not taking:
            lines.append(line)
    if inside:
        raise InvalidInput("the last solution marker is not closed")
    return "\n".join(lines) + "\n"


def without_markers(solution: str) -> str:
    """The solution without its markers."""
    return generate(solution, tasks=())
