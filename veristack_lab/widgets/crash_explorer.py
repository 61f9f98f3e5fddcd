"""Every write and sync of a workload on a slider, and what a power cut there may leave.

    explorer = CrashExplorer("checkpoints")
    explorer                                      # in a notebook: a slider, sectors, promises
    explorer.do("move", 17)                       # in a script: the same commands
    explorer.do("image", 0)["promises"]
    explorer.do("engine", "torn-tail-kept")       # an exhibit of the museum
    explorer.do("violation", "next")              # the next image that breaks a promise

The workload has run once, on a simulated disk. Nothing here touches a real one.

Commands: `move` (operations before the cut), `image` (number of an image that a cut may leave; -1:
the power is on), `judge` (all images of this moment), `engine` (name), `violation` ("next" or
"previous").
"""

from __future__ import annotations

from veristack_lab import museum
from veristack_lab.museum.store.trials import PowerCuts
from veristack_lab.sim.store.engine import HEALTHY
from veristack_lab.sim.store.steps import Workload
from veristack_lab.sim.store.workloads import named
from veristack_lab.widgets import stills
from veristack_lab.widgets.command_view import CommandView
from veristack_lab.widgets.explorer_model import ExplorerModel, Subject
from veristack_lab.widgets.loop import View
from veristack_lab.widgets.sources import joined

HEALTHY_NAME = "healthy"


class CrashExplorer(CommandView):
    """Shows a workload's disk at every moment, its power cuts, and what recovery returns for them.

    Args:
        workload: the first workload, or its name; an exhibit brings its own.
        engine: "healthy", or the name of an exhibit of the museum.
        seed: of the simulated disk.
        name: what the view is called; see `CommandView`.

    Raises:
        InvalidInput: there is no such workload or engine, or the name cannot be used.
    """

    _esm = joined("crash_explorer.js")
    _css = joined("crash_explorer.css")

    def __init__(
        self,
        workload: Workload | str = "puts",
        *,
        engine: str = HEALTHY_NAME,
        seed: int = 0,
        name: str = "crash",
    ) -> None:
        chosen = named(workload) if isinstance(workload, str) else workload
        model = ExplorerModel(chosen, _subjects(), seed)
        if engine != HEALTHY_NAME:
            model.check("engine", engine)
            model.obey("engine", engine)
        super().__init__(model, name=name)

    def _still(self, view: View) -> list[str]:
        return stills.crash_explorer(view)


def _subjects() -> dict[str, Subject]:
    """The healthy engine, and the exhibits that a power cut shows (some need rotten bits)."""
    found = {HEALTHY_NAME: Subject(HEALTHY_NAME, "healthy: as it is", "", HEALTHY, None)}
    for exhibit in museum.exhibits():
        trial = exhibit.trial
        if isinstance(trial, PowerCuts):
            found[exhibit.name] = Subject(
                exhibit.name,
                f"{exhibit.name}: {exhibit.title}",
                exhibit.promise,
                trial.engine,
                trial.workload(),
            )
    return found
