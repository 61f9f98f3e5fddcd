"""Every lab of the project: the starter fails exactly its own checks, the solution passes all."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from veristack_lab.labs import manifest, runner, starter
from veristack_lab.labs.manifest import Lab

LABS = manifest.find_all()
every_lab = pytest.mark.parametrize("lab", LABS, ids=[lab.name for lab in LABS])
every_task = pytest.mark.parametrize(
    ("lab", "task_id"),
    [(lab, task.id) for lab in LABS for task in lab.tasks],
    ids=[f"{lab.name}-{task.id}" for lab in LABS for task in lab.tasks],
)


def states(lab: Lab, text: str, folder: Path) -> dict[str, set[str]]:
    work = folder / lab.file
    work.write_text(text)
    found: dict[str, set[str]] = {}
    for outcome in runner.run_checks(lab, work):
        found.setdefault(outcome.task, set()).add(outcome.state)
    return found


def waiting_for(lab: Lab, task_id: str) -> set[str]:
    """Tasks that need this one, directly or not. Needs point backwards."""
    found = {task_id}
    for task in lab.tasks:
        if found & set(task.needs):
            found.add(task.id)
    return found - {task_id}


def defined(text: str) -> list[str]:
    """Classes, functions and methods; not what stands inside of functions."""
    body = ast.parse(text).body
    found = [node for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    inner = [n for c in found if isinstance(c, ast.ClassDef) for n in c.body]
    methods = [node for node in inner if isinstance(node, ast.FunctionDef)]
    return [node.name for node in [*found, *methods]]


@every_lab
def test_the_starter_is_what_the_solution_generates(lab: Lab) -> None:
    assert lab.starter == starter.generate(lab.solution)


@every_lab
def test_the_starter_has_the_same_names_and_none_of_the_answers(lab: Lab) -> None:
    names = [defined(text) for text in (lab.starter, lab.solution)]
    assert names[0] == names[1]
    assert "SOLUTION" not in lab.starter


@every_lab
def test_the_solution_passes_everything(lab: Lab, folder: Path) -> None:
    found = states(lab, lab.solution, folder)
    assert found == {task.id: {"passed"} for task in lab.tasks}


@every_lab
def test_the_starter_passes_nothing(lab: Lab, folder: Path) -> None:
    found = states(lab, lab.starter, folder)
    assert found == {t.id: {"waiting" if t.needs else "failed"} for t in lab.tasks}


@every_task
def test_a_missing_task_fails_exactly_its_own_checks(lab: Lab, task_id: str, folder: Path) -> None:
    found = states(lab, starter.generate(lab.solution, [task_id]), folder)
    waiting = waiting_for(lab, task_id)
    expected = {t.id: {"waiting" if t.id in waiting else "passed"} for t in lab.tasks}
    assert found == {**expected, task_id: {"failed"}}


@every_lab
@pytest.mark.parametrize(
    "heading", ["## Goals", "## Predict before coding", "## Tasks", "## Test your understanding"]
)
def test_the_chapter_has_its_parts(lab: Lab, heading: str) -> None:
    assert heading in (lab.folder / "README.md").read_text()
