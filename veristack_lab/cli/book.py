"""`veristack book`: notebooks, labs and API as pages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from veristack_lab.runtime.counting import counted


def command(
    out: Annotated[Path, typer.Option(help="Folder for the site.")] = Path("site"),
    only: Annotated[
        list[str] | None,
        typer.Option(help="Only notebooks whose names begin with this. Repeatable."),
    ] = None,
) -> None:
    """Make a static site of the notebooks, labs, museum, glossary and API, and follow its links.

    Executes nothing: notebooks are shown with the results that are stored in them. Needs the
    source tree and the extra `book`; `make book` brings both.
    """
    from rich.console import Console

    from veristack_lab import book

    with Console(stderr=True).status("making the book"):
        page, report = book.build(out, only)
    print(
        f"{counted(report.pages, 'page')}, {counted(report.links, 'link')} between them, none lost"
    )
    print(f"open {page.as_uri()}")
