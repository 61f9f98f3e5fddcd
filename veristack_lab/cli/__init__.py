"""`veristack ...`: the command line.

Each command and group lives in a module of its own (see `registry`), which imports what it needs
only when it is called, so that `veristack --help` costs no numba, pandas or plotly.
"""

from __future__ import annotations

import os
import sys
import warnings
from typing import Annotated, NoReturn, TextIO

import typer
from rich.console import Console
from rich.markup import escape

from veristack_lab.cli import registry
from veristack_lab.errors import InvalidInput, StoreDamaged, VeriStackError

app = typer.Typer(
    name="veristack",
    help="Build, break and measure a whole AI infrastructure stack.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
registry.add_all(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"veristack {version('veristack-lab')}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print the version and exit.",
        ),
    ] = False,
) -> None:
    """Build, break and measure a whole AI infrastructure stack."""


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
        _fail(error)
    except UnicodeEncodeError as error:
        _fail(InvalidInput(f"an argument is not valid text: {error.object!r}. Give it in UTF-8"))
    except KeyboardInterrupt:
        Console(stderr=True).print("interrupted")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        if error.filename is None:  # not about a path that was given: a fault of the lab
            raise
        _fail(InvalidInput(f"{error.filename}: {error.strerror}. Give another path, or correct it"))


def _fail(error: VeriStackError) -> NoReturn:
    Console(stderr=True, soft_wrap=True).print(  # whole lines, for grep and for paths
        f"[bold red]{type(error).__name__}[/]: {escape(str(error))}", highlight=False
    )
    sys.exit(1)


if __name__ == "__main__":
    main()
