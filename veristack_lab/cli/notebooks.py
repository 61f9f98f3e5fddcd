"""`veristack notebooks ...`: a learner's own copies of the notebooks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from veristack_lab.runtime import notebook_copies

app = typer.Typer(no_args_is_help=True, help="Notebooks: your own copies, to run and to change.")


@app.callback()
def _group() -> None:
    """Keep `copy` a name of its own, though it is the only command so far."""


@app.command()
def copy(
    into: Annotated[
        Path, typer.Option(help="The folder that holds your copies.")
    ] = notebook_copies.DEFAULT_FOLDER,
    source: Annotated[
        Path, typer.Option(help="The folder that holds the originals.")
    ] = notebook_copies.DEFAULT_SOURCE,
) -> None:
    """Copy the notebooks into your folder; what you have edited is kept."""
    done = notebook_copies.copy_notebooks(source, into)
    console = Console(soft_wrap=True, highlight=False)
    counts = {"new": done.made, "renewed": done.renewed, "kept": done.kept}
    told = ", ".join(f"{len(names)} {what}" for what, names in counts.items() if names)
    console.print(f"{into}: {told}")
    for name in done.outdated:
        console.print(
            f"{name} has a newer original, and you have edited your copy: it is kept. "
            "Rename it and copy again to have both."
        )
