"""What an exhibit is, and the trial that detects it."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol

from veristack_lab.runtime.progress import OnProgress

if TYPE_CHECKING:
    import pandas as pd


class Trial(Protocol):
    """How a subject is put to the test: with the defect, and as it is."""

    @property
    def seed(self) -> int:
        """Under this seed the trial finds the defect."""

    @property
    def promises(self) -> Collection[str]:
        """The stable names of the promises that it asks about."""

    def run(self, *, healthy: bool, on_progress: OnProgress | None = None) -> pd.DataFrame:
        """Put the exhibit, or the real code under the same seed, to the test.

        Returns:
            One row for each state that was looked at, with at least the columns `promise` and
            `violation`: what is broken, and how; both empty if nothing is.
        """

    def place(self, row: Mapping[str, Any]) -> str:
        """Where a row of the frame was found, for people: the seed and the moment."""


@dataclass(frozen=True)
class Exhibit:
    """One defect, how it looks from outside, and where it has been seen."""

    module: str
    """The module of the exhibit: `__name__`. Its last part is the exhibit's name, the one before
    it the wing of the museum."""
    title: str
    """What the defective code does wrong, as one line."""
    promise: str
    """The stable name of the promise that breaks first: one of the trial's."""
    source: str
    """Where it has been seen in real systems."""
    seam: str
    """The one thing of the real code that is replaced."""
    trial: Trial
    """The trial that detects it."""

    def __repr__(self) -> str:
        return f"<Exhibit {self.name}: {self.title}>"

    @property
    def name(self) -> str:
        """The name, as commands take it."""
        return self.module.rpartition(".")[2].replace("_", "-")

    @property
    def wing(self) -> str:
        """The wing of the museum: the subject of the defect."""
        return self.module.split(".")[-2]

    @property
    def story(self) -> str:
        """What happened, and what the healthy code does instead: its module's docstring."""
        return inspect.cleandoc(self._module().__doc__ or "")

    @property
    def code(self) -> str:
        """The source of the exhibit, to be read beside the real one."""
        return inspect.getsource(self._module())

    def _module(self) -> ModuleType:
        return importlib.import_module(self.module)
