"""`veristack doctor`: what each layer would use on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from veristack_lab.runtime.counting import counted

if TYPE_CHECKING:
    from veristack_lab.backends.doctor import Machine, ServiceReport

GB = 1e9


def command(
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")] = False,
) -> None:
    """Say which server each layer uses, its version, and the command for the next better one.

    Starts nothing. A server of yours gets two seconds to answer.
    """
    from veristack_lab.backends import doctor

    reports, machine = doctor.examine(), doctor.machine()
    if json:
        _print_json(reports, machine)
    else:
        _print_table(reports, machine)


def _print_json(reports: list[ServiceReport], machine: Machine) -> None:
    import json
    from dataclasses import asdict

    document = {"services": [asdict(report) for report in reports], "machine": asdict(machine)}
    typer.echo(json.dumps(document, indent=2))


def _print_table(reports: list[ServiceReport], machine: Machine) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title="What the lab uses on this machine", title_justify="left")
    for column in ("service", "in use", "version"):
        table.add_column(column, overflow="fold")
    for report in reports:
        colour = "green" if report.usable else "red"
        table.add_row(report.service, Text(report.in_use, style=colour), Text(report.version))
    console = Console(highlight=False, soft_wrap=True)
    console.print(table, soft_wrap=False)
    console.print("To get the next better one:")
    for report in reports:
        if report.next_step:  # below the table, where a long command stays in one piece
            console.print(Text(f"  {report.service:12} {report.next_step}"))
    console.print(
        f"\nPython {machine.python}; {counted(machine.cores, 'core')}; "
        f"{machine.memory_available_bytes / GB:.1f} of {machine.memory_bytes / GB:.1f} GB memory "
        f"available\n{machine.home}: {machine.home_used_bytes / GB:.2f} GB used, "
        f"{machine.home_free_bytes / GB:.0f} GB free; {machine.temporary}: "
        f"{machine.temporary_free_bytes / GB:.0f} GB free"
    )
