"""`veristack store torture`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from veristack_lab.runtime.counting import counted

if TYPE_CHECKING:
    import pandas as pd


def command(
    seconds: Annotated[float, typer.Option(min=0.1, help="Duration in seconds.")] = 60.0,
    seed: Annotated[int, typer.Option(help="Seed of load and kills.")] = 0,
    path: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="An absent or empty folder. Default: temporary."),
    ] = None,
) -> None:
    """Kill a writing process with SIGKILL again and again; audit what it left each time.

    Real processes on the real file system: puts, deletes, batches, objects and checkpoints
    from four threads. Exit code 1 if anything acknowledged is missing or anything is partially
    applied.
    """
    from veristack_lab.errors import InvalidInput
    from veristack_lab.runtime.processes import temporary_folder
    from veristack_lab.runtime.progress import bar
    from veristack_lab.sim.torture import torture, violations

    if not math.isfinite(seconds):
        raise InvalidInput(f"--seconds {seconds}: give a number of seconds")
    if path is not None and path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise InvalidInput(f"{path} is not an empty folder; give an empty or absent one")
    with temporary_folder() as folder, bar("killing writers") as tick:
        frame = torture(path or folder, seconds=seconds, seed=seed, on_progress=tick)
    broken = violations(frame)
    _report(frame, broken)
    if broken:
        raise typer.Exit(1)


def _report(frame: pd.DataFrame, broken: int) -> None:
    elapsed_s = frame.attrs["seconds"]
    rows = {
        "kills": f"{len(frame):,} in {elapsed_s:.0f} s, {60 * len(frame) / elapsed_s:.0f} a minute",
        "acknowledged": counted(int(frame["acknowledged"].sum()), "write"),
        "kept": f"{counted(int(frame['kept'].sum()), 'write')} under way, applied in full",
        "lost": f"{int(frame['lost'].sum()):,}",
        "mixed": f"{int(frame['mixed'].sum()):,}",
        "orphans": f"{int(frame['orphans'].sum()):,}",
        "torn tails": f"{int((frame['torn_bytes'] > 0).sum()):,} cut off",
        "checkpoints": f"recovered from {counted(frame['snapshot_lsn'].nunique(), 'snapshot')}",
        "recovery": f"{frame['recover_ms'].median():.1f} ms in the median",
        "violations": f"{broken:,}",
    }
    for name, text in rows.items():
        print(f"{name + ':':<15}{text}")
