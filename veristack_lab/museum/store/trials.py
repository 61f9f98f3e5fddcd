"""Trials of the store and its object store: power cuts, and bits that rot."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from veristack_lab.runtime.progress import OnProgress
from veristack_lab.sim.store.engine import HEALTHY, Engine
from veristack_lab.sim.store.oracle import PROMISES
from veristack_lab.sim.store.power_cuts import crash_sweep
from veristack_lab.sim.store.rot import ROT_PROMISES, rot_sweep
from veristack_lab.sim.store.steps import Workload

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class _Sweep:
    """A sweep of the simulator over a workload, with the exhibit's engine or the healthy one."""

    workload: Callable[[], Workload]
    engine: Engine
    seed: int
    samples: int
    """Power cuts, or bits, that are tried."""

    _sweep: ClassVar[Callable[..., pd.DataFrame]]
    _promises: ClassVar[Mapping[str, object]]

    @property
    def promises(self) -> Collection[str]:
        """Those that the sweep asks about."""
        return self._promises.keys()

    def run(self, *, healthy: bool, on_progress: OnProgress | None = None) -> pd.DataFrame:
        """See `Trial.run`."""
        return type(self)._sweep(
            self.workload(),
            samples=self.samples,
            seed=self.seed,
            engine=HEALTHY if healthy else self.engine,
            on_progress=on_progress,
        )


class PowerCuts(_Sweep):
    """The power is cut at seeded moments of a workload. Implements `exhibit.Trial`."""

    _sweep = staticmethod(crash_sweep)
    _promises = PROMISES

    def place(self, row: Mapping[str, Any]) -> str:
        """See `Trial.place`."""
        return (
            f"seed {self.seed}, power cut before disk operation {row['crash_point']} "
            f"({row['operation'] or 'the end'}), image '{row['policy']}'"
        )


class Rot(_Sweep):
    """Bits of a store at rest are inverted, one at a time. Implements `exhibit.Trial`."""

    _sweep = staticmethod(rot_sweep)
    _promises = ROT_PROMISES

    def place(self, row: Mapping[str, Any]) -> str:
        """See `Trial.place`."""
        return f"seed {self.seed}, bit {row['bit']} of byte {row['offset']} of {row['file']}"
