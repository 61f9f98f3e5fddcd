"""A lab in a notebook: the file to edit, the verdict, hints, and how far one has come.

    lessons.start("01-crc32c")         # the starter, in an editor that saves to the learner's file
    lessons.check("01-crc32c")         # the verdict on what is in the file now

The file is the one that `veristack labs` takes in a terminal: `workplaces` says where it is.

Where no learner is asked (see `places`) and no folder is given, no file is kept. `start` shows the
tasks. `check` shows the verdict on the starter, checked in a temporary folder that is removed
before it returns: the same sentence in every run.
"""

from __future__ import annotations

from pathlib import Path

from veristack_lab.errors import WaitExpired
from veristack_lab.labs import manifest
from veristack_lab.labs.manifest import Lab
from veristack_lab.labs.workbench import Workbench
from veristack_lab.lessons import lab_stills
from veristack_lab.lessons.answers import ANSWERS
from veristack_lab.lessons.lab_model import LabModel
from veristack_lab.lessons.live import Live
from veristack_lab.lessons.places import is_asking
from veristack_lab.lessons.workplaces import bench_of
from veristack_lab.runtime import processes
from veristack_lab.widgets.command_view import CommandView
from veristack_lab.widgets.loop import View
from veristack_lab.widgets.sources import joined_with

_HERE = Path(__file__).parent
IN_JUPYTER = "In JupyterLab your file is edited here; in a terminal: veristack labs start {}"
UNTOUCHED = "This is the verdict on the starter, as it is before anything is written."
CHECK_LIMIT_S = 600.0
"""How long a cell waits for a verdict. The check has limits of its own, far below this."""


class LabPanel(CommandView):
    """One lab. Commands: `check`, `hint` (a task, or None), `save`, `reload`.

    Its DOM ids begin with `veristack-lab-01-crc32c`, and without an editor with
    `veristack-check-01-crc32c`.
    """

    _esm = joined_with(_HERE / "lab_panel.js")
    _css = joined_with(_HERE / "lab_panel.css")

    def __init__(self, lab: Lab, bench: Workbench, *, has_editor: bool) -> None:
        self.path = bench.work(lab)
        kind = "lab" if has_editor else "check"
        super().__init__(LabModel(lab, bench, has_editor=has_editor), name=f"{kind}-{lab.name}")

    def __repr__(self) -> str:
        return f"<Lab {in_words(self.snapshot())}>"

    def _still(self, view: View) -> list[str]:
        return lab_stills.parts(view)

    def _publish(self, snapshot: View) -> None:
        super()._publish(snapshot)
        ANSWERS.tell()  # a map of all notebooks shows the labs too


def in_words(seen: View) -> str:
    """The state of a lab on one line that names no place of the machine."""
    name = seen["lab"]
    if not seen["begun"]:
        return f"{name}: not begun"
    if seen["busy"]:
        return f"{name}: still checking"
    words = f"{name}: {seen['passed']} of {len(seen['tasks'])} tasks passed"
    if seen["bad"] is None:
        return words if seen["checks"] else f"{words}, not checked now"
    facts = dict(seen["bad"]["rows"])
    return (
        f"{words}; first bad event, {facts['check']}: {facts['called']}:"
        f" expected {facts['expected']}, got {facts['got']}"
    )


def start(name: str, *, into: Path | str | None = None) -> LabPanel | None:
    """Begin a lab, or go on with it: its file in an editor, with a check and hints.

    Work that is there is never overwritten. Where no learner is asked (see `places`) and no folder
    is given, nothing is made: the tasks are shown, and a line of text says how to begin.

    Args:
        name: a lab, or the beginning of its name.
        into: the folder that holds the work; by default the one that `workplaces` finds.

    Raises:
        InvalidInput: there is no such lab, or the folder cannot be used.
    """
    lab = manifest.find(name)
    if into is None and not is_asking():
        words = f"lab {lab.name}, {lab.title}: begin with veristack labs start {lab.name}"
        _only_show(words, _untouched(lab, is_checked=False), IN_JUPYTER.format(lab.name))
        return None
    bench = bench_of(lab, into)
    bench.start(lab)
    return LabPanel(lab, bench, has_editor=True)


def check(name: str, *, into: Path | str | None = None) -> LabPanel | None:
    """Check the work on a lab as it is in its file, and show the verdict.

    A lab that was not begun is shown as that. Where no learner is asked and no folder is given,
    the starter is checked. The cell waits for the verdict, for `CHECK_LIMIT_S` at most; the panel
    shows one that comes later.

    Args:
        name: a lab, or the beginning of its name.
        into: the folder that holds the work; by default the one that `workplaces` finds.

    Raises:
        InvalidInput: there is no such lab, or the folder cannot be used.
        ProcessDied: the checks themselves broke.
    """
    lab = manifest.find(name)
    if into is None and not is_asking():
        seen = _untouched(lab, is_checked=True)
        _only_show(f"lab {in_words(seen)}", seen, UNTOUCHED)
        return None
    panel = LabPanel(lab, bench_of(lab, into), has_editor=False)
    if not panel.snapshot()["begun"]:
        return panel
    try:
        panel.do("check", timeout_s=CHECK_LIMIT_S)
    except WaitExpired:
        return panel  # it shows that it is still checking
    return panel


def _untouched(lab: Lab, *, is_checked: bool) -> View:
    """What a panel would show of the starter; nothing of it is left in the file system."""
    with processes.temporary_folder() as folder:
        bench = Workbench(folder)
        bench.start(lab)
        model = LabModel(lab, bench, has_editor=False)
        if is_checked:
            model.obey("check", None)
            model.proceed()
        return model.view()


def _only_show(words: str, view: View, end: str) -> None:
    Live(lambda: {"text/plain": words, "text/html": lab_stills.block(view, end)}).show()
