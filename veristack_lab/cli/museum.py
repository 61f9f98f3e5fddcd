"""`veristack museum ...`: known defects, and the simulator that finds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from veristack_lab.errors import InvalidInput
from veristack_lab.runtime.counting import counted

if TYPE_CHECKING:
    from rich.console import Console

    from veristack_lab.museum import Verdict

app = typer.Typer(no_args_is_help=True, help="Known defects, each found by the simulator.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="An exhibit; see `list`.")]


@app.callback()
def group() -> None:
    """Known defects of storage engines, as overrides of one seam of the real one."""


@app.command("list")
def list_exhibits() -> None:
    """List the exhibits: the broken promise, where it was seen, and the seed that finds it."""
    from rich.console import Console
    from rich.table import Table

    from veristack_lab.museum import exhibits

    table = Table(
        caption="ancestor: the published system that this lab grew out of, and the number of the "
        "defect there"
    )
    for title in ("wing", "exhibit", "breaks"):
        table.add_column(title, no_wrap=True)
    for title in ("what it does", "seen in", "seed"):
        table.add_column(title)
    for each in exhibits():
        row = (each.wing, each.name, each.promise, each.title, each.source)
        table.add_row(*row, str(each.trial.seed))
    Console().print(table)


@app.command("show")
def show(name: Name) -> None:
    """Tell an exhibit's story and print its source."""
    from rich.console import Console
    from rich.syntax import Syntax

    from veristack_lab.museum import find

    exhibit, console = find(name), Console()
    console.print(f"[bold]{exhibit.name}[/]: breaks {exhibit.promise}, seen in {exhibit.source}\n")
    console.print(Syntax(exhibit.code.rstrip(), "python", background_color="default"))


@app.command("run")
def run(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]", help="An exhibit, or a wing: all exhibits of one subject."
        ),
    ] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Run every exhibit.")] = False,
) -> None:
    """Run an exhibit or a wing, and the healthy code under the same seeds.

    Exit code 1 if an exhibit is not detected, or the healthy code breaks a promise.
    """
    from rich.console import Console

    from veristack_lab import museum
    from veristack_lab.runtime.progress import bar

    if everything == (name is not None):
        raise InvalidInput("give an exhibit, a wing or --all; `veristack museum list` lists them")
    chosen = museum.exhibits() if name is None else museum.group(name)
    verdicts: list[Verdict] = []
    with bar("visiting") as tick:
        for done, exhibit in enumerate(chosen, 1):
            verdicts.append(museum.run(exhibit))
            tick(done, len(chosen))
    console = Console(highlight=False)
    for verdict in verdicts:
        _tell(console, verdict)
    found = sum(verdict.exhibit_broken for verdict in verdicts)
    survived = sum(verdict.healthy_survived for verdict in verdicts)
    images = sum(verdict.images + verdict.healthy_images for verdict in verdicts)
    console.print(
        f"{found} of {len(verdicts)} exhibits found out, the healthy engine survived "
        f"{survived} of {len(verdicts)} times, {counted(images, 'image')}"
    )
    if not all(verdict.is_as_told for verdict in verdicts):
        raise typer.Exit(1)


def _tell(console: Console, verdict: Verdict) -> None:
    from rich.markup import escape

    exhibit, row = verdict.exhibit, verdict.row
    console.print(f"[bold]{exhibit.name}[/]  {exhibit.title}")
    if verdict.exhibit_broken:
        console.print(f"  [red]breaks {exhibit.promise}[/]: {escape(row['violation'])}")
        console.print(
            f"  {exhibit.trial.place(row)}; {verdict.violations} of {verdict.images} images"
        )
    else:
        console.print(f"  [bold red]NOT FOUND OUT[/] in {counted(verdict.images, 'image')}")
    if verdict.healthy_survived:
        told = "  [green]the healthy engine keeps every promise[/] in"
        console.print(f"{told} {counted(verdict.healthy_images, 'image')}, same seed\n")
    else:
        healthy = verdict.healthy_row
        console.print(
            f"  [bold red]THE HEALTHY ENGINE BREAKS {healthy['promise']}[/]: "
            f"{escape(healthy['violation'])}\n"
        )
