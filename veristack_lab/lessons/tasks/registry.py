"""Every task of every notebook. A new module adds one line."""

from __future__ import annotations

from veristack_lab.errors import InvalidInput
from veristack_lab.lessons.tasks import (
    notebook_00,
    notebook_01,
    notebook_02,
    notebook_03,
    notebook_04,
    notebook_05,
    notebook_10,
    notebook_20,
    notebook_30,
)
from veristack_lab.lessons.tasks.cases import Task

TASKS: tuple[Task, ...] = (
    *notebook_00.TASKS,
    *notebook_01.TASKS,
    *notebook_02.TASKS,
    *notebook_03.TASKS,
    *notebook_04.TASKS,
    *notebook_05.TASKS,
    *notebook_10.TASKS,
    *notebook_20.TASKS,
    *notebook_30.TASKS,
)


def find(task_id: str) -> Task:
    """The task of an id.

    Raises:
        InvalidInput: there is none.
    """
    for task in TASKS:
        if task.id == task_id:
            return task
    known = ", ".join(task.id for task in TASKS)
    raise InvalidInput(f"there is no task {task_id!r}; there are: {known}")
