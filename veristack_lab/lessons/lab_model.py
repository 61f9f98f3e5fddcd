"""What the panel of a lab shows, and what its commands do: `check`, `hint`, `save`, `reload`.

`save` takes {"text", "version"}, where the version is that of the file that was edited; `check`
takes the same, to save first, or None. A check runs the existing runner of the labs, in a child
process that has its limits there. It runs on the panel's own thread, so the kernel goes on
meanwhile.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from veristack_lab.errors import InvalidInput
from veristack_lab.labs.manifest import HINTS_PER_TASK, Lab
from veristack_lab.labs.runner import FAILED, Outcome, passed_tasks, run_checks
from veristack_lab.labs.workbench import Workbench
from veristack_lab.lessons.lab_pictures import lines_of
from veristack_lab.lessons.workplaces import option
from veristack_lab.runtime.files import replace_atomically
from veristack_lab.widgets.loop import Model, View

MAX_TEXT = 200_000
"""Characters of a learner's file that the panel edits."""


class LabModel(Model):
    """One lab in the learner's folder.

    Args:
        lab: the lab.
        bench: the folder that holds the work.
        has_editor: whether the file is shown for editing.
    """

    is_shown_first = True

    def __init__(self, lab: Lab, bench: Workbench, *, has_editor: bool) -> None:
        self._lab, self._bench, self._has_editor = lab, bench, has_editor
        self._outcomes: Sequence[Outcome] = ()
        self._checked = ""
        """The version of the file that the outcomes are about."""
        self._hint = ""
        self._is_checking = False

    def check(self, op: str, argument: object) -> None:
        """Refuse a command that could never be obeyed. Raises InvalidInput."""
        if op == "save" or (op == "check" and argument is not None):
            self._check_text(argument)
        elif op == "hint":
            if argument is not None:
                self._lab.task(str(argument))
        elif op not in ("check", "reload"):
            raise InvalidInput(f"a lab knows check, hint, save and reload, not {op!r}")

    def _check_text(self, argument: object) -> None:
        if not self._has_editor:
            raise InvalidInput("this panel has no editor: open one with lessons.start")
        if not (isinstance(argument, dict) and isinstance(argument.get("text"), str)):
            raise InvalidInput("save takes {'text': ..., 'version': ...}")
        if len(argument["text"]) > MAX_TEXT:
            raise InvalidInput(f"the file would be longer than {MAX_TEXT:,} characters")

    def obey(self, op: str, argument: Any) -> bool:
        """Begin a check, show one more hint, write the file or read it again."""
        if op == "check":
            self._require_work()
            if argument is not None:
                self._save(argument["text"], argument.get("version"))
            self._is_checking = True
        elif op == "hint":
            task, number, text = self._bench.next_hint(self._lab, argument)
            self._hint = f"Task {task}, hint {number} of {HINTS_PER_TASK}: {text}"
        elif op == "save":
            self._save(argument["text"], argument.get("version"))
        return self._is_checking

    def proceed(self) -> bool:
        """Run the check that was begun."""
        try:
            self._checked = _version(self._text() or "")
            self._outcomes = run_checks(self._lab, self._bench.work(self._lab))
            self._bench.note_check(self._lab, passed_tasks(self._lab, self._outcomes))
            self._hint = ""
        finally:
            self._is_checking = False
        return False

    def view(self) -> View:
        """The lab, its tasks, the last verdicts and the file."""
        progress = self._bench.progress(self._lab)
        text = self._text()
        return {
            "lab": self._lab.name,
            "title": self._lab.title,
            "summary": self._lab.summary,
            "path": str(self._bench.work(self._lab)),
            "command": f"veristack labs check {self._lab.name}{option(self._lab, self._bench)}",
            "begun": text is not None,
            "editor": self._has_editor,
            "text": (text or "") if self._has_editor else "",
            "version": _version(text or "") if self._has_editor else "",
            "tasks": [self._row(task.id, task.title, progress.passed) for task in self._lab.tasks],
            "passed": len(progress.passed),
            "checks": [
                {"task": outcome.task, "title": outcome.title, "state": outcome.state}
                for outcome in self._outcomes
            ],
            "stale": bool(self._outcomes) and _version(text or "") != self._checked,
            "bad": self._first_bad(),
            "hint": self._hint,
            "busy": f"Checking {self._lab.file}." if self._is_checking else "",
        }

    def _row(self, task_id: str, title: str, passed: Sequence[str]) -> View:
        states = [each.state for each in self._outcomes if each.task == task_id]
        bad = next((state for state in states if state != "passed"), "")
        state = "passed" if task_id in passed else bad or "open"
        return {"id": task_id, "title": title, "state": state}

    def _first_bad(self) -> View | None:
        bad = next((outcome for outcome in self._outcomes if outcome.state == FAILED), None)
        if bad is None:
            return None
        facts = [
            ("check", f"task {bad.task}: {bad.title}"),
            ("called", bad.given),
            ("expected", bad.expected),
            ("got", bad.got),
            ("where", bad.where),
            ("printed", bad.printed),
        ]
        return {
            "rows": [[name, text] for name, text in facts if text],
            "title": bad.picture["title"] if bad.picture else "",
            "lines": lines_of(bad.picture),
        }

    def _text(self) -> str | None:
        try:
            return self._bench.work(self._lab).read_text(errors="replace")
        except FileNotFoundError:
            return None

    def _require_work(self) -> None:
        if self._text() is None:
            raise InvalidInput(
                f"{self._lab.name} has not been begun here; lessons.start({self._lab.name!r})"
                " begins it"
            )

    def _save(self, text: str, version: object) -> None:
        """Replace the file, unless it was changed by another editor since it was shown."""
        work = self._bench.work(self._lab)
        if version != _version(self._text() or ""):
            raise InvalidInput(
                f"{work.name} was changed by another editor and was not saved here; copy what you"
                " want to keep, and press Reload"
            )
        replace_atomically(work, text.encode())


def _version(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:16]
