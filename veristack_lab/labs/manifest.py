"""The labs, from their manifests."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from veristack_lab.errors import InvalidInput
from veristack_lab.runtime import paths

HINTS_PER_TASK = 3
INSTALLED = Path(__file__).resolve().parent / "content"
"""Where a wheel has put the folder `labs` of the source tree."""


@dataclass(frozen=True)
class Task:
    """One thing to write."""

    id: str
    title: str
    hints: tuple[str, ...]
    """From a nudge to nearly the answer."""
    needs: tuple[str, ...]
    """Tasks whose functions this one calls: it is not checked before they pass."""


@dataclass(frozen=True)
class Lab:
    """One lab, as its folder says."""

    name: str
    folder: Path
    title: str
    summary: str
    effort_hours: float
    file: str
    """The name of the learner's file."""
    timeout_s: float
    """How long one check may take on a quiet machine: only what has no end takes as long."""
    tasks: tuple[Task, ...]

    def task(self, task_id: str) -> Task:
        """The task of this id. Raises InvalidInput."""
        for task in self.tasks:
            if task.id == task_id:
                return task
        known = ", ".join(task.id for task in self.tasks)
        raise InvalidInput(f"lab {self.name} has no task {task_id!r}; there are: {known}")

    @property
    def solution(self) -> str:
        """The reference solution, with its markers."""
        return (self.folder / "solution.py").read_text()

    @property
    def starter(self) -> str:
        """What the learner begins with."""
        return (self.folder / "starter.py").read_text()


def labs_folder() -> Path:
    """Where the labs are: inside the package when it was installed, else in the source tree.

    Raises:
        InvalidInput: they are in neither place.
    """
    tree = paths.checkout()
    for folder in (INSTALLED, *([tree / "labs"] if tree is not None else [])):
        if folder.is_dir():
            return folder
    raise InvalidInput(
        f"this installation has no labs: they belong in {INSTALLED}; install the package again"
    )


def find_all() -> list[Lab]:
    """Every lab, in reading order."""
    return [load(manifest.parent) for manifest in sorted(labs_folder().glob("*/lab.toml"))]


def find(name: str) -> Lab:
    """The lab of this name; a beginning that only one lab has is enough.

    Raises:
        InvalidInput: none or several match.
    """
    labs = find_all()
    exact = [lab for lab in labs if lab.name == name]
    found = exact or [lab for lab in labs if name and lab.name.startswith(name)]
    if len(found) != 1:
        matching = "several labs begin" if found else "no lab begins"
        known = ", ".join(lab.name for lab in labs)
        raise InvalidInput(f"{matching} with {name!r}; there are: {known}")
    return found[0]


def load(folder: Path) -> Lab:
    """Read one manifest.

    Raises:
        InvalidInput: something is missing in it, a task has not exactly three hints, or needs
            one that does not come before it.
    """
    try:
        data = tomllib.loads((folder / "lab.toml").read_text())
        tasks = tuple(_task(row) for row in data["tasks"])
        lab = Lab(
            name=folder.name,
            folder=folder,
            title=data["title"],
            summary=data["summary"],
            effort_hours=data["effort_hours"],
            file=data["file"],
            timeout_s=data["timeout_s"],
            tasks=tasks,
        )
    except (KeyError, tomllib.TOMLDecodeError) as error:
        raise InvalidInput(f"{folder / 'lab.toml'} is not a whole manifest: {error}") from error
    earlier: set[str] = set()
    for task in tasks:
        if len(task.hints) != HINTS_PER_TASK:
            raise InvalidInput(f"task {task.id} of {lab.name} needs {HINTS_PER_TASK} hints")
        if not earlier.issuperset(task.needs):
            raise InvalidInput(f"task {task.id} of {lab.name} needs a task that comes later")
        earlier.add(task.id)
    return lab


def _task(row: dict[str, Any]) -> Task:
    hints = tuple(hint.strip() for hint in row["hints"])
    return Task(row["id"], row["title"], hints, tuple(row.get("needs", ())))
