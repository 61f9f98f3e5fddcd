"""The map of all notebooks and labs, with the learner's progress."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from uuid import uuid4

from veristack_lab.errors import InvalidInput
from veristack_lab.labs import manifest
from veristack_lab.lessons.answers import ANSWERS
from veristack_lab.lessons.catalogue import NOTEBOOKS, Notebook, notebook
from veristack_lab.lessons.live import Bundle, Live
from veristack_lab.lessons.places import is_asking
from veristack_lab.lessons.predictions import BOX, INK
from veristack_lab.lessons.progress import Notes
from veristack_lab.lessons.tasks.registry import TASKS
from veristack_lab.lessons.workplaces import bench_of
from veristack_lab.runtime.counting import counted


@dataclass(frozen=True)
class LabState:
    """How far one lab has come."""

    name: str
    passed: int
    tasks: int


@dataclass(frozen=True)
class Row:
    """How far one notebook has come."""

    about: Notebook
    predicted: int
    right: int
    """Of those predictions whose result was seen."""
    tasks_passed: int
    tasks: int
    labs: tuple[LabState, ...]


def rows_of(notes: Notes, labs: Sequence[LabState]) -> list[Row]:
    """One row for each notebook, in reading order. Pure."""
    return [_row(about, notes, labs) for about in NOTEBOOKS]


def in_words(rows: Sequence[Row]) -> str:
    """The whole progress on one line."""
    tasks, tasks_passed = sum(r.tasks for r in rows), sum(r.tasks_passed for r in rows)
    labs = dict.fromkeys(lab for row in rows for lab in row.labs)  # two notebooks may share one
    return (
        f"{counted(len(rows), 'notebook')}:"
        f" {counted(sum(r.predicted for r in rows), 'prediction')},"
        f" {sum(r.right for r in rows)} right; {tasks_passed} of {tasks} tasks;"
        f" {sum(lab.passed for lab in labs)} of {sum(lab.tasks for lab in labs)} tasks"
        f" of {counted(len(labs), 'lab')}"
    )


class Chart:
    """The map: an HTML table that is brought up to date in place; elsewhere one line of text."""

    def __repr__(self) -> str:
        return f"<Map {in_words(_rows())}>"

    def _ipython_display_(self) -> None:
        live = Live(self._render)
        if is_asking():
            ANSWERS.listen(f"map {uuid4().hex}", live.refresh)
        live.show()
        live.refresh()

    def _render(self) -> Bundle:
        rows = _rows()
        return {"text/plain": f"<Map {in_words(rows)}>", "text/html": drawn(rows)}


def chart() -> Chart:
    """The map of all notebooks and labs. In a notebook: `lessons.map()`."""
    return Chart()


def forget(number: str) -> None:
    """Forget the predictions and tasks of a notebook, so that a learner can begin it again.

    Run the notebook from the top afterwards. The work on labs stays.

    Raises:
        InvalidInput: there is no such notebook, or the record cannot be read.
        WaitExpired: another process held the record all the time.
    """
    ANSWERS.forget(notebook(number).number)


def drawn(rows: Sequence[Row]) -> str:
    """The rows as a table in the colours of the page, light or dark. Pure."""
    names = ("notebook", "predictions", "tasks", "labs")
    head = "".join(f'<th scope="col" style="{_CELL}">{name}</th>' for name in names)
    body = "".join(map(_drawn_row, rows))
    return (
        f'<div class="veristack-map" style="{BOX}{INK}overflow-x:auto">'
        f'<table style="border-collapse:collapse;width:100%">'
        f"<caption style='text-align:left;padding:0 0 6px'>{escape(in_words(rows))}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


_CELL = (
    "text-align:left;vertical-align:top;padding:3px 14px 3px 0;white-space:normal;"
    "border-bottom:1px solid var(--jp-border-color2,#ddd);"
)


def _drawn_row(row: Row) -> str:
    about = row.about
    link = f'<a href="{escape(about.stem)}.ipynb">{escape(about.stem)}</a>'
    predictions = f"{row.right} of {row.predicted} right" if row.predicted else "none yet"
    labs = "<br>".join(f"{escape(lab.name)} {_bar(lab.passed, lab.tasks)}" for lab in row.labs)
    cells = [predictions, _bar(row.tasks_passed, row.tasks), labs]
    return (
        f'<tr data-notebook="{about.number}"><th scope="row" style="{_CELL}font-weight:normal">'
        f"{link}<br>{escape(about.question)}</th>"
        + "".join(f'<td style="{_CELL}">{cell}</td>' for cell in cells)
        + "</tr>"
    )


def _bar(done: int, of: int) -> str:
    """As many boxes as there are tasks, those that are done filled; in words for a reader."""
    if not of:
        return ""
    boxes = "■" * done + "□" * (of - done)
    return (
        f'<span style="white-space:nowrap"><span aria-hidden="true">{boxes}</span>'
        f" {done} of {of}</span>"
    )


def _row(about: Notebook, notes: Notes, labs: Sequence[LabState]) -> Row:
    begin = f"{about.number}/"
    guesses = [guess for key, guess in notes.predictions.items() if key.startswith(begin)]
    tasks = [task.id for task in TASKS if task.id.startswith(begin)]
    passed = [key for key in tasks if key in notes.tasks and notes.tasks[key].is_passed]
    own = tuple(lab for lab in labs if lab.name in about.labs)
    right = sum(guess.is_right is True for guess in guesses)
    return Row(about, len(guesses), right, len(passed), len(tasks), own)


def _rows() -> list[Row]:
    return rows_of(ANSWERS.notes(), _labs())


def _labs() -> list[LabState]:
    """Every lab; no progress where no learner is asked, no labs where none are installed."""
    try:
        found = manifest.find_all()
    except InvalidInput:
        return []
    if not is_asking():
        return [LabState(lab.name, 0, len(lab.tasks)) for lab in found]
    return [
        LabState(lab.name, len(bench_of(lab).progress(lab).passed), len(lab.tasks)) for lab in found
    ]
