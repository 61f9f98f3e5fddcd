"""`veristack tour`: the whole story in one command."""

from __future__ import annotations

import signal
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console


def command(
    seed: Annotated[int, typer.Option(help="Decides where the processes are killed.")] = 1,
    out: Annotated[Path, typer.Option(help="Folder for the report.")] = Path("report"),
    only: Annotated[
        list[str] | None,
        typer.Option(
            help="Visit one layer: veristore, llmcache, veriflow, smartsearch. Repeatable."
        ),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Smaller workloads.")] = False,
) -> None:
    """Run the whole stack, kill a process at each layer, and check every promise.

    Prints a table of claims and writes index.html (pictures), claims.json and tour.svg into the
    report folder. Exit code 1 when a claim is broken.
    """
    from veristack_lab.cli.places import require_writable_folder
    from veristack_lab.tour import report, run

    signal.signal(signal.SIGTERM, _interrupt)
    console = Console(stderr=True)
    require_writable_folder(out)  # minutes before it is needed
    result = run.run(console, seed=seed, quick=quick, only=only or ())
    page = report.write(result, out)
    screen = Console()
    screen.print(report.table(result))
    screen.print(report.summary(result), highlight=False)
    screen.print(f"report: {page}", highlight=False)
    if not result.kept:
        raise typer.Exit(1)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    """SIGTERM ends the tour as Ctrl-C does: with everything cleaned up."""
    raise KeyboardInterrupt
