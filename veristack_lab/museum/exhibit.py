"""What an exhibit is."""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

from veristack_lab.sim.store.engine import Engine
from veristack_lab.sim.store.steps import Workload


@dataclass(frozen=True)
class Exhibit:
    """One defect, how it looks from outside, and where it has been seen."""

    name: str
    title: str
    """What the engine does wrong, as one line."""
    promise: str
    """The stable name of the promise that breaks first: of `sim.PROMISES` or
    `sim.ROT_PROMISES`."""
    source: str
    """Where it has been seen in earnest."""
    seam: str
    """The one thing of the real engine that is replaced."""
    workload: Callable[[], Workload]
    engine: Engine
    seed: int
    """Under this seed the sweep finds it."""
    samples: int
    """Images (or inverted bits) that are looked at."""
    is_rot: bool = False
    """Found by inverting bits of a store at rest, not by a power cut."""

    def __repr__(self) -> str:
        return f"<Exhibit {self.name}: {self.title}>"

    @property
    def story(self) -> str:
        """What happened, and what the healthy engine does instead: its module's docstring."""
        return inspect.cleandoc(self._module().__doc__ or "")

    @property
    def code(self) -> str:
        """The source of the exhibit, to be read beside the engine's."""
        return inspect.getsource(self._module())

    def _module(self) -> ModuleType:
        stem = self.name.replace("-", "_")
        wings = [f"{__package__}.{wing}.{stem}" for wing in ("store", "objects")]
        return importlib.import_module(next(filter(importlib.util.find_spec, wings)))
