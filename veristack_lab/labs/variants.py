"""The graders are graded: wrong and right variants of each lab's solution, and their verdicts.

A variant is a file `labs/NN-topic/variants/wrong/NAME.py` or `.../right/NAME.py`. The learner's
file under test is the solution without its markers, followed by the text of the variant, so that
later definitions replace earlier ones; `class Name(Name):` replaces single methods. The docstring
of the variant says in one sentence what is wrong with it, or what is different and still right.
A wrong variant has a comment line

    # caught by: words of the title of the check that must fail first

and, where several tasks have checks of such a title, `# task: 4`.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path

from veristack_lab.errors import InvalidInput
from veristack_lab.labs import runner
from veristack_lab.labs.manifest import Lab
from veristack_lab.labs.runner import Outcome
from veristack_lab.labs.starter import without_markers
from veristack_lab.runtime import processes

WRONG, RIGHT = "wrong", "right"
_COMMENT = re.compile(r"^# (caught by|task): (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Variant:
    """One learner's file whose verdict is known."""

    name: str
    kind: str
    """wrong or right."""
    what: str
    """What is wrong, or different and still right, in one sentence."""
    source: str
    """The whole file under test."""
    caught_by: str = ""
    """Of a wrong variant: words of the title of the check that must fail first."""
    task: str = ""
    """Of a wrong variant: the task of that check, or nothing when any task will do."""

    @property
    def expected(self) -> str:
        """The verdict that the checks must reach, in words."""
        if self.kind == RIGHT:
            return "passes"
        return f"fails {f'task {self.task}: ' if self.task else ''}{self.caught_by}"


@dataclass(frozen=True)
class Verdict:
    """What the checks of a lab said of one variant."""

    variant: Variant
    outcomes: tuple[Outcome, ...]

    @property
    def first_bad(self) -> Outcome | None:
        """The first check that failed; None when no check failed."""
        return next((o for o in self.outcomes if o.state == runner.FAILED), None)

    @property
    def as_expected(self) -> bool:
        """Whether a right variant passed everything, or a wrong one failed the check of its law."""
        if self.variant.kind == RIGHT:
            return all(outcome.state == runner.PASSED for outcome in self.outcomes)
        bad = self.first_bad
        if bad is None or self.variant.caught_by not in bad.title:
            return False
        return self.variant.task in ("", bad.task)

    @property
    def actual(self) -> str:
        """The verdict in words."""
        bad = self.first_bad
        return "passes" if bad is None else f"fails task {bad.task}: {bad.title}"


def find_all(lab: Lab) -> list[Variant]:
    """The reference solution, then every variant of a lab: the right ones first, by name.

    Raises:
        InvalidInput: a variant does not say what it is, or what must catch it.
    """
    solution = Variant("solution", RIGHT, "The reference solution.", without_markers(lab.solution))
    folders = [(kind, lab.folder / "variants" / kind) for kind in (RIGHT, WRONG)]
    files = [(kind, path) for kind, folder in folders for path in sorted(folder.glob("*.py"))]
    return [solution, *(load(lab, path, kind) for kind, path in files)]


def load(lab: Lab, path: Path, kind: str) -> Variant:
    """Read one variant and put it behind the solution.

    Raises:
        InvalidInput: it has no docstring, or (a wrong one) no line `# caught by:`.
    """
    text = path.read_text()
    what = ast.get_docstring(ast.parse(text, str(path)))
    comments = dict(_COMMENT.findall(text))
    if not what:
        raise InvalidInput(f"{path} needs a docstring: one sentence on what is {kind} in it")
    if (kind == WRONG) != ("caught by" in comments):
        raise InvalidInput(f"{path}: a wrong variant has a line `# caught by:`, a right one none")
    source = f"{without_markers(lab.solution)}\n\n{text}"
    caught_by, task = comments.get("caught by", ""), comments.get("task", "")
    return Variant(path.stem, kind, " ".join(what.split()), source, caught_by, task)


def judge(lab: Lab, variant: Variant) -> Verdict:
    """Run the checks of a lab on one variant. Raises ProcessDied: the checks themselves broke."""
    with processes.temporary_folder() as folder:
        work = folder / lab.file
        work.write_text(variant.source)
        return Verdict(variant, tuple(runner.run_checks(lab, work)))
