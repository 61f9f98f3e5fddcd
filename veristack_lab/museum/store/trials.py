"""Trials of the store and its object store: power cuts, and bits that rot."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from veristack_lab.runtime.progress import OnProgress
from veristack_lab.sim.store.engine import HEALTHY, Engine
from veristack_lab.sim.store.oracle import PROMISES
from veristack_lab.sim.store.power_cuts import crash_sweep
from veristack_lab.sim.store.rot import ROT_PROMISES, rot_sweep
from veristack_lab.sim.store.steps import Workload

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class PowerCuts:
    """The power is cut at seeded moments of a workload. Implements `exhibit.Trial`."""

    workload: Callable[[], Workload]
    engine: Engine
    seed: int
    samples: int
    """Images that are looked at."""

    @property
    def promises(self) -> Collection[str]:
        """Those that hold after every power cut."""
        return PROMISES.keys()

    def run(self, *, healthy: bool, on_progress: OnProgress | None = None) -> pd.DataFrame:
        """See `Trial.run`."""
        return crash_sweep(
            self.workload(),
            samples=self.samples,
            seed=self.seed,
            engine=HEALTHY if healthy else self.engine,
            on_progress=on_progress,
        )

    def place(self, row: Mapping[str, Any]) -> str:
        """See `Trial.place`."""
        return (
            f"seed {self.seed}, power cut before disk operation {row['crash_point']} "
            f"({row['operation'] or 'the end'}), image '{row['policy']}'"
        )


@dataclass(frozen=True)
class Rot:
    """Bits of a store at rest are inverted, one at a time. Implements `exhibit.Trial`."""

    workload: Callable[[], Workload]
    engine: Engine
    seed: int
    samples: int
    """Bits that are inverted."""

    @property
    def promises(self) -> Collection[str]:
        """Those that hold for every damaged store."""
        return ROT_PROMISES.keys()

    def run(self, *, healthy: bool, on_progress: OnProgress | None = None) -> pd.DataFrame:
        """See `Trial.run`."""
        return rot_sweep(
            self.workload(),
            samples=self.samples,
            seed=self.seed,
            engine=HEALTHY if healthy else self.engine,
            on_progress=on_progress,
        )

    def place(self, row: Mapping[str, Any]) -> str:
        """See `Trial.place`."""
        return f"seed {self.seed}, bit {row['bit']} of byte {row['offset']} of {row['file']}"
