"""The learner's side of the notebooks: predict first, solve tasks, see how far one has come.

In a notebook, three cells for a prediction, one for a task, one at the end:

    guess = lessons.predict("00/lost", "How many acknowledged writes are lost?", unit="writes")

    crash = experiments.kill_and_recover(...)

    guess.reveal(crash["lost"].sum(), draw.kills(crash), axis="y")

    @lessons.task("00/lost-writes")
    def lost(acknowledged, found): ...

    lessons.scorecard("00")

Further, each as the last expression of a cell: `lessons.map()` shows every notebook and lab with
the learner's progress; `lessons.start("01-crc32c")` puts a lab's starter into the learner's folder
and opens it in an editor with a check and hints; `lessons.check("01-crc32c")` shows the verdict on
what is in that file. `lessons.forget("00")` lets a learner predict anew.

`predict`, `reveal` and `task` show their output themselves; a scorecard is the last expression of
its cell. An id begins with the number of the notebook. In JupyterLab `predict` shows an input,
and the result stays covered until the answer is recorded; nothing waits, so "Run All" works.
Elsewhere (scripts, nbval, nbclient; or `VERISTACK_PREDICTIONS=defaults`) the default answers, the
output says so, and nothing is recorded. `VERISTACK_PREDICTIONS=ask` asks in any front end.

Progress is kept in the learner's folder: `VERISTACK_LEARNER`, or the platform's folder for user
data (on Linux `~/.local/share/veristack-lab`). The work on labs is in `labs/` there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from veristack_lab.runtime.lazily import lazy_names

if TYPE_CHECKING:
    from veristack_lab.lessons.chart import Chart, forget
    from veristack_lab.lessons.chart import chart as map  # noqa: A004 -- named lessons.map
    from veristack_lab.lessons.lab_panel import LabPanel, check, start
    from veristack_lab.lessons.predictions import Prediction, predict
    from veristack_lab.lessons.scorecards import Scorecard, scorecard
    from veristack_lab.lessons.tasking import task

__all__ = [
    "Chart",
    "LabPanel",
    "Prediction",
    "Scorecard",
    "check",
    "forget",
    "map",
    "predict",
    "scorecard",
    "start",
    "task",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Chart": "chart",
        "LabPanel": "lab_panel",
        "Prediction": "predictions",
        "Scorecard": "scorecards",
        "check": "lab_panel",
        "forget": "chart",
        "map": "chart:chart",
        "predict": "predictions",
        "scorecard": "scorecards",
        "start": "lab_panel",
        "task": "tasking",
    },
)
