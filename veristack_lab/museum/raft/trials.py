"""The trial of Raft's exhibits: a cluster in the simulator, under one seed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from veristack_lab.runtime.progress import OnProgress, silent
from veristack_lab.sim.cluster.promises import PROMISES
from veristack_lab.sim.cluster.running import run
from veristack_lab.sim.cluster.scenario import Scenario
from veristack_lab.veristore.raft.core import Raft

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Clusters:
    """A cluster whose nodes all have the exhibit's core. Implements `exhibit.Trial`."""

    engine: type[Raft]
    """The core with one rule replaced."""
    seed: int
    scenario: Scenario = field(default_factory=Scenario)

    @property
    def promises(self) -> Collection[str]:
        """Those that the simulator asks about."""
        return PROMISES.keys()

    def run(self, *, healthy: bool, on_progress: OnProgress | None = None) -> pd.DataFrame:
        """See `Trial.run`: one row for each broken promise, or one empty row."""
        import pandas as pd

        result = run(self.scenario, self.seed, core_type=Raft if healthy else self.engine)
        (on_progress or silent)(1, 1)
        rows = [
            {"promise": broken.promise, "violation": broken.story, "at_s": broken.at_s}
            for broken in result.violations
        ] or [{"promise": "", "violation": "", "at_s": result.virtual_s}]
        frame = pd.DataFrame(rows)
        frame.attrs = {"seed": self.seed, "trace": result.trace}
        return frame

    def place(self, row: Mapping[str, Any]) -> str:
        """See `Trial.place`."""
        return f"seed {self.seed}, {row['at_s']:.3f} s of virtual time"
