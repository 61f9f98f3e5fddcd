"""A lab in a notebook: the file to edit, the verdict, hints, and how far one has come.

    lessons.start("01-crc32c")         # the starter, in an editor that saves to the learner's file
    lessons.check("01-crc32c")         # the verdict on what is in the file now

The file is the one that `veristack labs check` takes with `--into`: see `LabPanel.path`.
"""

from __future__ import annotations

from pathlib import Path

from veristack_lab.errors import WaitExpired
from veristack_lab.labs import manifest
from veristack_lab.labs.manifest import Lab
from veristack_lab.labs.workbench import Workbench
from veristack_lab.lessons.answers import ANSWERS
from veristack_lab.lessons.lab_model import LabModel
from veristack_lab.lessons.live import Live
from veristack_lab.lessons.places import is_asking, learner_folder
from veristack_lab.widgets.command_view import CommandView
from veristack_lab.widgets.loop import View
from veristack_lab.widgets.sources import joined_with

_HERE = Path(__file__).parent
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
    is given, nothing is made: a line of text says how to begin.

    Args:
        name: a lab, or the beginning of its name.
        into: the folder that holds the work; `labs` in the learner's folder by default.

    Raises:
        InvalidInput: there is no such lab, or the folder cannot be used.
    """
    lab = manifest.find(name)
    if into is None and not is_asking():
        _only_say(f"lab {lab.name}, {lab.title}: begin with veristack labs start {lab.name}")
        return None
    bench = _bench(into)
    bench.start(lab)
    return LabPanel(lab, bench, has_editor=True)


def check(name: str, *, into: Path | str | None = None) -> LabPanel | None:
    """Check the work on a lab as it is in its file, and show the verdict.

    A lab that was not begun is shown as that. Where no learner is asked and no folder is given,
    nothing is checked: a line of text says how. The cell waits for the verdict, for
    `CHECK_LIMIT_S` at most; the panel shows one that comes later.

    Args:
        name: a lab, or the beginning of its name.
        into: the folder that holds the work; `labs` in the learner's folder by default.

    Raises:
        InvalidInput: there is no such lab, or the folder cannot be used.
    """
    lab = manifest.find(name)
    if into is None and not is_asking():
        _only_say(f"lab {lab.name}: check with veristack labs check {lab.name}")
        return None
    panel = LabPanel(lab, _bench(into), has_editor=False)
    if not panel.snapshot()["begun"]:
        return panel
    try:
        panel.do("check", timeout_s=CHECK_LIMIT_S)
    except WaitExpired:
        return panel  # it shows that it is still checking
    return panel


def _only_say(words: str) -> None:
    Live(lambda: {"text/plain": words}).show()


def _bench(into: Path | str | None) -> Workbench:
    return Workbench(learner_folder() / "labs" if into is None else Path(into))
