"""Run the acts in order in one temporary folder, and clean up after them."""

from __future__ import annotations

import importlib
import time
import traceback
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from veristack_lab.errors import InvalidInput, VeriStackError
from veristack_lab.runtime.claims import Claim
from veristack_lab.runtime.processes import temporary_folder
from veristack_lab.tour.context import Picture, Tour
from veristack_lab.tour.memory import PeakMemory

ACTS = {
    "veristore": "veristack_lab.tour.veristore",
    "llmcache": "veristack_lab.tour.llmcache",
    "veriflow": "veristack_lab.tour.veriflow",
    "smartsearch": "veristack_lab.tour.smartsearch",
}
"""The acts in their order: the layer, and the module whose `act` plays it."""


@dataclass(frozen=True)
class TourResult:
    """What a tour found."""

    seed: int
    quick: bool
    layers: tuple[str, ...]
    claims: tuple[Claim, ...]
    pictures: tuple[Picture, ...]
    duration_s: float
    peak_bytes: int
    peak_processes: int

    @property
    def kept(self) -> bool:
        """Whether there were claims and every one of them held."""
        return bool(self.claims) and all(claim.kept for claim in self.claims)


def choose(only: Sequence[str]) -> tuple[str, ...]:
    """The layers to visit, in the stack's order.

    Raises:
        InvalidInput: a name is not a layer's.
    """
    unknown = sorted(set(only) - set(ACTS))
    if unknown:
        raise InvalidInput(f"no layer is called {unknown[0]!r}; choose from {', '.join(ACTS)}")
    return tuple(layer for layer in ACTS if not only or layer in only)


def run(console: Console, *, seed: int, quick: bool, only: Sequence[str] = ()) -> TourResult:
    """Run the tour.

    Args:
        console: where progress is drawn.
        seed: decides where the processes are killed.
        quick: smaller workloads.
        only: layers to visit; all when empty.

    Raises:
        InvalidInput: `only` names no layer.
    """
    layers = choose(only)
    started = time.monotonic()
    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )
    with PeakMemory() as memory, temporary_folder("veristack-tour-") as work, ExitStack() as stack:
        tour = Tour(seed, quick, work, stack.enter_context(bars), stack)
        for layer in layers:
            _play(tour, layer, console)
    return TourResult(
        seed=seed,
        quick=quick,
        layers=layers,
        claims=tuple(tour.claims),
        pictures=tuple(tour.pictures),
        duration_s=time.monotonic() - started,
        peak_bytes=memory.peak_bytes,
        peak_processes=memory.peak_processes,
    )


def _play(tour: Tour, layer: str, console: Console) -> None:
    """One act; an act that fails is a broken claim, and the others still run."""
    try:
        importlib.import_module(ACTS[layer]).act(tour)
    except Exception as error:  # noqa: BLE001 - any failure of an act belongs into the table
        if not isinstance(error, VeriStackError):
            console.print(traceback.format_exc(), markup=False, highlight=False)
        fate = f"{type(error).__name__}: {error}"
        tour.add(Claim(layer, "The act runs to its end", "everything that it does", fate, False))
