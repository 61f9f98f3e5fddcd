"""The learner's folder: work that is never overwritten, and one progress.json.

Every change of progress.json reads it under a lock, writes the new content to a temporary name,
syncs and renames it: a reader sees the old file or the new one, whole, and no change of another
kernel or terminal is lost. The rename is the commit point.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from veristack_lab.errors import InvalidInput, WaitExpired
from veristack_lab.labs.manifest import HINTS_PER_TASK, Lab
from veristack_lab.labs.starter import without_markers
from veristack_lab.runtime.files import locked, replace_atomically

VERSION = 1


@dataclass
class LabProgress:
    """How far one lab has come."""

    passed: list[str] = field(default_factory=list)
    """Tasks that passed at the last check."""
    checks_run: int = 0
    hints_shown: dict[str, int] = field(default_factory=dict)
    solution_shown: bool = False


class Workbench:
    """A folder with one subfolder for each lab begun."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.progress_path = folder / "progress.json"

    def __repr__(self) -> str:
        return f"<Workbench {self.folder}>"

    def work(self, lab: Lab) -> Path:
        """The learner's file of a lab."""
        return self.folder / lab.name / lab.file

    def start(self, lab: Lab) -> bool:
        """Put the starter and the chapter there; False if work was there and was left alone."""
        work = self.work(lab)
        with self._writing():
            work.parent.mkdir(parents=True, exist_ok=True)
            _create(work.parent / "README.md", (lab.folder / "README.md").read_text())
            return _create(work, lab.starter)

    def reset(self, lab: Lab) -> Path | None:
        """Start over. Returns where the work so far was moved, if there was any."""
        work, kept = self.work(lab), None
        if work.exists():
            kept = _free_name(work, "before-reset")
            work.rename(kept)
        self.start(lab)
        self.update(lab, passed=[], hints_shown={}, solution_shown=False)
        return kept

    def solve(self, lab: Lab) -> Path:
        """Put the reference solution beside the work; returns where."""
        work = self.work(lab)
        work.parent.mkdir(parents=True, exist_ok=True)
        text = without_markers(lab.solution)
        target = work.with_name(f"{work.stem}.solution.py")
        if not _create(target, text) and target.read_text() != text:
            target = _free_name(work, "solution")
            _create(target, text)
        self.update(lab, solution_shown=True)
        return target

    def next_hint(self, lab: Lab, task_id: str | None) -> tuple[str, int, str]:
        """(task, number, text) of the next hint; the last one again if there are no more.

        Without a task, that of the first task that has not passed.
        """
        passed = self.progress(lab).passed
        open_tasks = [task for task in lab.tasks if task.id not in passed]
        if task_id is None and not open_tasks:
            raise InvalidInput(f"every task of {lab.name} has passed; name a task to see its hints")
        task = lab.task(task_id) if task_id is not None else open_tasks[0]

        def one_more(before: LabProgress) -> LabProgress:
            number = min(before.hints_shown.get(task.id, 0) + 1, HINTS_PER_TASK)
            return replace(before, hints_shown={**before.hints_shown, task.id: number})

        number = self._change(lab, one_more).hints_shown[task.id]
        return task.id, number, task.hints[number - 1]

    def progress(self, lab: Lab) -> LabProgress:
        """How far this lab has come; all zero when it was not begun."""
        return LabProgress(**self._read().get(lab.name, {}))

    def note_check(self, lab: Lab, passed: Iterable[str]) -> None:
        """Remember the outcome of a check."""
        found = sorted(passed)
        self._change(lab, lambda p: replace(p, passed=found, checks_run=p.checks_run + 1))

    def update(self, lab: Lab, **changes: Any) -> None:
        """Change fields of one lab's progress, atomically and durably.

        Raises:
            InvalidInput: the folder or the file cannot be used.
            WaitExpired: another process held the lock all the time.
        """
        self._change(lab, lambda before: replace(before, **changes))

    def _change(self, lab: Lab, change: Callable[[LabProgress], LabProgress]) -> LabProgress:
        """Replace one lab's progress by what `change` makes of it, and return that."""
        with self._writing():
            self.folder.mkdir(parents=True, exist_ok=True)
            with locked(self.folder / "progress.lock"):
                labs = self._read()
                after = change(LabProgress(**labs.get(lab.name, {})))
                labs[lab.name] = asdict(after)
                text = json.dumps({"version": VERSION, "labs": labs}, indent=2) + "\n"
                replace_atomically(self.progress_path, text.encode())
        return after

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """A folder that cannot be written to becomes an error that says what to do."""
        try:
            yield
        except WaitExpired:
            raise  # a TimeoutError, and so an OSError, that says what to do
        except OSError as error:
            raise InvalidInput(
                f"{self.folder} cannot hold your work ({error.strerror}); choose another folder"
                " with --into"
            ) from error

    def _read(self) -> dict[str, dict[str, Any]]:
        if not self.progress_path.exists():
            return {}
        try:
            data = json.loads(self.progress_path.read_text())
            if data["version"] != VERSION:
                raise InvalidInput(
                    f"{self.progress_path} is of version {data['version']}, this lab reads"
                    f" {VERSION}: upgrade, or choose another folder with --into"
                )
            labs: dict[str, dict[str, Any]] = data["labs"]
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise InvalidInput(
                f"{self.progress_path} cannot be read ({error}); move it away and try again:"
                " your work is in the folders beside it"
            ) from error
        return labs


def _create(path: Path, text: str) -> bool:
    """Write a new file; False, and nothing changed, if there is one already."""
    try:
        with path.open("x") as out:
            out.write(text)
    except FileExistsError:
        return False
    return True


def _free_name(work: Path, what: str) -> Path:
    number = 1
    while (path := work.with_name(f"{work.stem}.{what}-{number}.py")).exists():
        number += 1
    return path
