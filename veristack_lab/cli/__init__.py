"""`veristack ...`: the command line.

Each subcommand lives in a module of its own that is imported only when it is called, so that
`veristack --help` costs no numba, pandas or plotly.
"""

from __future__ import annotations

import os
import sys
import warnings
from typing import TextIO

import typer
from rich.console import Console
from rich.markup import escape

from veristack_lab.cli import (
    backends,
    bench,
    crash_sweep,
    doctor,
    ingest,
    jobs,
    labs,
    museum,
    s3,
    serving,
    store,
    store_inspect,
    store_torture,
    tour,
    warm,
)
from veristack_lab.errors import StoreDamaged, VeriStackError

app = typer.Typer(
    name="veristack",
    help="Build, break and measure a whole AI infrastructure stack.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("tour")(tour.command)
app.command("doctor")(doctor.command)
app.command("warm")(warm.command)
app.command("bench")(bench.command)
app.command("crash-sweep")(crash_sweep.command)
store_inspect.add_to(store.app)
store.app.command("torture")(store_torture.command)
app.add_typer(store.app, name="store")
app.add_typer(s3.app, name="s3")
app.add_typer(serving.app, name="gateway")
app.add_typer(jobs.app, name="jobs")
app.add_typer(ingest.app, name="ingest")
app.add_typer(backends.app, name="backends")
app.add_typer(museum.app, name="museum")
app.add_typer(labs.app, name="labs")

INTERRUPTED = 130


def main() -> None:
    """Entry point of the `veristack` script: errors become one clear line and exit code 1."""
    show_otherwise = warnings.showwarning

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if issubclass(category, StoreDamaged):
            Console(stderr=True, soft_wrap=True).print(
                f"[bold yellow]{category.__name__}[/]:", escape(str(message))
            )
        else:
            show_otherwise(message, category, filename, lineno, file, line)

    warnings.showwarning = show
    try:
        app()
    except VeriStackError as error:
        Console(stderr=True, soft_wrap=True).print(  # whole lines, for grep and for paths
            f"[bold red]{type(error).__name__}[/]: {escape(str(error))}", highlight=False
        )
        sys.exit(1)
    except KeyboardInterrupt:
        Console(stderr=True).print("interrupted")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


if __name__ == "__main__":
    main()
