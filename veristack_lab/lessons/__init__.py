"""The learner's side of the notebooks: predict first, solve tasks, see how far one has come.

In a notebook, three cells for a prediction, one for a task, one at the end:

    guess = lessons.predict("00/lost", "How many acknowledged writes are lost?", unit="writes")

    crash = experiments.kill_and_recover(...)

    guess.reveal(crash["lost"].sum(), draw.kills(crash), axis="y")

    @lessons.task("00/lost-writes")
    def lost(acknowledged, found): ...

    lessons.scorecard("00")

`predict`, `reveal` and `task` show their output themselves; a scorecard is the last expression of
its cell. An id begins with the number of the notebook. In JupyterLab `predict` shows an input,
and the result stays covered until the answer is recorded; nothing waits, so "Run All" works.
Elsewhere (scripts, nbval, nbclient; or `VERISTACK_PREDICTIONS=defaults`) the default answers, the
output says so, and nothing is recorded. `VERISTACK_PREDICTIONS=ask` asks in any front end.

Progress is kept in the learner's folder: `VERISTACK_LEARNER`, or the platform's folder for user
data (on Linux `~/.local/share/veristack-lab`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from veristack_lab.runtime.lazily import lazy_names

if TYPE_CHECKING:
    from veristack_lab.lessons.predictions import Prediction, predict
    from veristack_lab.lessons.scorecards import Scorecard, scorecard
    from veristack_lab.lessons.tasking import task

__all__ = ["Prediction", "Scorecard", "predict", "scorecard", "task"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Prediction": "predictions",
        "Scorecard": "scorecards",
        "predict": "predictions",
        "scorecard": "scorecards",
        "task": "tasking",
    },
)
