"""Running an exhibit, and the healthy engine under the same seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from veristack_lab.museum.exhibit import Exhibit
from veristack_lab.museum.registry import find
from veristack_lab.runtime.progress import OnProgress

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Verdict:
    """The result of running an exhibit and the healthy engine."""

    exhibit: Exhibit
    row: Mapping[str, Any]
    """The first image in which the exhibit broke its promise; empty if it survived."""
    images: int
    """Number of images examined."""
    violations: int
    """Images in which it broke any promise."""
    healthy_row: Mapping[str, Any]
    """The first image in which the healthy engine broke one; empty, as it should be."""
    healthy_images: int

    @property
    def exhibit_broken(self) -> bool:
        """Whether the exhibit was found out, by the promise that it says it breaks."""
        return bool(self.row)

    @property
    def healthy_survived(self) -> bool:
        """Whether the healthy engine kept every promise."""
        return not self.healthy_row

    @property
    def is_as_told(self) -> bool:
        """Both."""
        return self.exhibit_broken and self.healthy_survived

    def __repr__(self) -> str:
        fate = "found out" if self.exhibit_broken else "NOT FOUND OUT"
        healthy = "survives" if self.healthy_survived else "FALLS"
        return f"<Verdict {self.exhibit.name}: {fate}, the healthy engine {healthy}>"


def run(exhibit: Exhibit | str, on_progress: OnProgress | None = None) -> Verdict:
    """Run an exhibit, and then the healthy engine, under the exhibit's seed.

    Raises:
        InvalidInput: there is no such exhibit.
    """
    chosen = find(exhibit) if isinstance(exhibit, str) else exhibit
    broken = chosen.trial.run(healthy=False)
    healthy = chosen.trial.run(healthy=True, on_progress=on_progress)
    return Verdict(
        chosen,
        _first(broken, broken["promise"] == chosen.promise),
        len(broken),
        int((broken["violation"] != "").sum()),
        _first(healthy, healthy["violation"] != ""),
        len(healthy),
    )


def _first(frame: pd.DataFrame, wanted: pd.Series) -> dict[str, Any]:
    chosen = frame[wanted]
    return {} if chosen.empty else {str(name): value for name, value in chosen.iloc[0].items()}
