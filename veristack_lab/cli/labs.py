"""`veristack labs ...`: the exercises."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from veristack_lab.labs.manifest import Lab
    from veristack_lab.labs.runner import Outcome
    from veristack_lab.labs.workbench import Workbench

app = typer.Typer(no_args_is_help=True, help="Exercises: write a piece of the stack yourself.")

Name = Annotated[str, typer.Argument(help="A lab, or the beginning of its name.")]
Into = Annotated[Path, typer.Option(help="The folder that holds your work.")]
DEFAULT_FOLDER = Path("my-labs")


@app.command("list")
def list_labs(into: Into = DEFAULT_FOLDER) -> None:
    """Show all labs and how far you have come."""
    from veristack_lab.labs import manifest

    bench = _workbench(into)
    table = Table("lab", "what you build", "hours", "tasks passed")
    for lab in manifest.find_all():
        passed = len(bench.progress(lab).passed)
        table.add_row(lab.name, lab.summary, f"{lab.effort_hours:g}", f"{passed}/{len(lab.tasks)}")
    Console().print(table)


@app.command()
def start(name: Name, into: Into = DEFAULT_FOLDER) -> None:
    """Copy a lab's starter and chapter into your folder; existing work is kept."""
    bench, lab = _workbench(into), _lab(name)
    work = bench.work(lab)
    fresh = bench.start(lab)
    console = Console()
    console.print(f"[bold]{lab.title}[/]" + ("" if fresh else " (begun before: left as it is)"))
    console.print(f"read   {work.parent / 'README.md'}", highlight=False, soft_wrap=True)
    console.print(f"write  {work}", highlight=False, soft_wrap=True)
    console.print(f"check  veristack labs check {lab.name}{_option(into)}", soft_wrap=True)


@app.command()
def check(name: Name, into: Into = DEFAULT_FOLDER) -> None:
    """Check your work; the exit code is 0 when every task passes."""
    from veristack_lab.labs import runner

    bench, lab = _workbench(into), _lab(name)
    with Console(stderr=True).status(f"checking {lab.name} (at most {lab.timeout_s:g} s a check)"):
        outcomes = runner.run_checks(lab, bench.work(lab))
    passed = runner.passed_tasks(lab, outcomes)
    bench.note_check(lab, passed)
    console = Console()
    console.print(_report(lab, outcomes))
    _print_first_bad(console, lab, outcomes, into)
    if len(passed) < len(lab.tasks):
        raise typer.Exit(1)
    console.print(f"[bold green]{lab.name} is done.[/] All {len(passed)} tasks pass.")


@app.command()
def hint(
    name: Name,
    task: Annotated[str | None, typer.Argument(help="Id of the task.")] = None,
    into: Into = DEFAULT_FOLDER,
) -> None:
    """Show one more hint, by default of the first task that has not passed."""
    from veristack_lab.labs.manifest import HINTS_PER_TASK

    task_id, number, text = _workbench(into).next_hint(_lab(name), task)
    console = Console()
    console.print(f"[bold]Task {task_id}, hint {number} of {HINTS_PER_TASK}[/]")
    console.print(text, markup=False, highlight=False)


@app.command()
def solve(name: Name, into: Into = DEFAULT_FOLDER) -> None:
    """Put the reference solution beside your work."""
    path = _workbench(into).solve(_lab(name))
    Console().print(f"the solution is in {path}", highlight=False, soft_wrap=True)


@app.command()
def reset(name: Name, into: Into = DEFAULT_FOLDER) -> None:
    """Start a lab over; your work so far is kept under another name."""
    bench, lab = _workbench(into), _lab(name)
    kept = bench.reset(lab)
    console = Console()
    if kept is not None:
        console.print(f"your work so far is kept in {kept}", highlight=False, soft_wrap=True)
    console.print(f"begin anew in {bench.work(lab)}", highlight=False, soft_wrap=True)


@app.command("progress")
def show_progress(into: Into = DEFAULT_FOLDER) -> None:
    """Show every task of every lab you have begun."""
    from veristack_lab.labs import manifest

    bench = _workbench(into)
    table = Table("lab", "task", "passed", "hints", "checks run")
    for lab in manifest.find_all():
        done = bench.progress(lab)
        if not bench.work(lab).exists() and not done.checks_run:
            continue
        for task in lab.tasks:
            mark = "[green]yes[/]" if task.id in done.passed else "no"
            hints = f"{done.hints_shown.get(task.id, 0)}/{len(task.hints)}"
            table.add_row(lab.name, f"{task.id} {task.title}", mark, hints, f"{done.checks_run}")
        table.add_section()
    if table.row_count:
        Console().print(table)
    else:
        Console().print(f"nothing begun in {into}; `veristack labs list` lists the labs")


@app.command()
def selftest(
    name: Annotated[str | None, typer.Argument(help="One lab; all of them by default.")] = None,
) -> None:
    """Hold wrong and right variants of each solution to the checks; exit 1 on a false verdict."""
    from veristack_lab.labs import manifest, variants

    console = Console()
    false = count = 0
    for lab in manifest.find_all() if name is None else [manifest.find(name)]:
        table = Table("variant", "must", "actual", title=lab.name, title_justify="left")
        with console.status(f"judging the variants of {lab.name}"):
            verdicts = list(variants.judge_all(lab))
        for verdict in verdicts:
            variant, good = verdict.variant, verdict.as_expected
            false, count = false + (not good), count + 1
            colour = "green" if good else "bold red"
            actual = escape(verdict.actual + ("" if good else f" (expected: {variant.expected})"))
            must = "pass" if variant.kind == variants.RIGHT else "fail"
            table.add_row(escape(variant.name), must, f"[{colour}]{actual}[/]")
        console.print(table)
    console.print(f"{count - false} of {count} verdicts are as expected")
    if false:
        raise typer.Exit(1)


def _workbench(into: Path) -> Workbench:
    from veristack_lab.labs.workbench import Workbench

    return Workbench(into)


def _lab(name: str) -> Lab:
    from veristack_lab.labs import manifest

    return manifest.find(name)


def _option(into: Path) -> str:
    return "" if into == DEFAULT_FOLDER else f" --into {into}"


def _report(lab: Lab, outcomes: list[Outcome]) -> Table:
    table = Table("task", "check", "", title=lab.title)
    colours = {"passed": "green", "failed": "bold red", "waiting": "dim"}
    for outcome in outcomes:
        task = lab.task(outcome.task)
        state = f"[{colours[outcome.state]}]{outcome.state}[/]"
        table.add_row(f"{task.id} {task.title}", escape(outcome.title), state)
    return table


def _print_first_bad(console: Console, lab: Lab, outcomes: list[Outcome], into: Path) -> None:
    from veristack_lab.labs import pictures

    failed = next((outcome for outcome in outcomes if outcome.state == "failed"), None)
    if failed is None:
        for outcome in outcomes:
            _print_printed(console, outcome)
        return
    console.print(f"[bold red]first bad event[/], task {failed.task}: {escape(failed.title)}")
    for name, text in (
        ("input", failed.given),
        ("expected", failed.expected),
        ("got", failed.got),
        ("at", failed.where),
    ):
        if text:
            console.print(f"  {name:9}{text}", markup=False, highlight=False, soft_wrap=True)
    if failed.picture:
        text = pictures.as_text(failed.picture)
        console.print(indent(text, "  "), markup=False, highlight=False, soft_wrap=True)
    _print_printed(console, failed)
    command = f"veristack labs hint {lab.name} {failed.task}{_option(into)}"
    console.print(f"stuck? {command}", highlight=False, soft_wrap=True)


def _print_printed(console: Console, outcome: Outcome) -> None:
    """What the learner's code printed in this check."""
    if outcome.printed:
        console.print(f"your file printed, in the check {outcome.title!r}:", soft_wrap=True)
        text = indent(outcome.printed.rstrip(), "  | ")
        console.print(text, markup=False, highlight=False, soft_wrap=True)
