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
    from veristack_lab.labs.variants import Verdict
    from veristack_lab.labs.workbench import Workbench

app = typer.Typer(no_args_is_help=True, help="Exercises: write a piece of the stack yourself.")

Name = Annotated[str, typer.Argument(help="A lab, or the beginning of its name.")]
Into = Annotated[
    Path | None,
    typer.Option(help="The folder that holds your work, in place of the learner's folder."),
]


@app.command("list")
def list_labs(into: Into = None) -> None:
    """Show all labs and how far you have come."""
    from veristack_lab.labs import manifest

    labs = manifest.find_all()
    table = Table("lab", "what you build", "hours", "tasks passed")
    for lab in labs:
        passed = len(_bench(lab, into).progress(lab).passed)
        table.add_row(lab.name, lab.summary, f"{lab.effort_hours:g}", f"{passed}/{len(lab.tasks)}")
    console = Console(soft_wrap=True, highlight=False)
    console.print(table, soft_wrap=False)
    _tell_places(console, labs, into)


@app.command()
def start(name: Name, into: Into = None) -> None:
    """Copy a lab's starter and chapter into your folder; existing work is kept."""
    lab = _lab(name)
    bench = _bench(lab, into)
    work = bench.work(lab)
    fresh = bench.start(lab)
    console = Console(soft_wrap=True, highlight=False)
    console.print(f"[bold]{lab.title}[/]" + ("" if fresh else " (begun before: left as it is)"))
    console.print(f"read   {work.parent / 'README.md'}", markup=False)
    console.print(f"write  {work}", markup=False)
    console.print(f"check  veristack labs check {lab.name}{_option(lab, bench)}", markup=False)
    argument = f", into={str(into)!r}" if into is not None else ""
    call = f'lessons.start("{lab.name}"{argument})'
    console.print(f"or     {call} in a notebook: the same file, in an editor", markup=False)
    _tell_places(console, [lab], into)


@app.command()
def check(name: Name, into: Into = None) -> None:
    """Check your work; the exit code is 0 when every task passes."""
    from veristack_lab.labs import runner

    lab = _lab(name)
    bench = _bench(lab, into)
    with Console(stderr=True).status(f"checking {lab.name} (at most {lab.timeout_s:g} s a check)"):
        outcomes = runner.run_checks(lab, bench.work(lab))
    passed = runner.passed_tasks(lab, outcomes)
    bench.note_check(lab, passed)
    console = Console()
    console.print(_report(lab, outcomes))
    _print_first_bad(console, lab, outcomes, _option(lab, bench))
    if len(passed) < len(lab.tasks):
        raise typer.Exit(1)
    console.print(f"[bold green]{lab.name} is done.[/] All {len(passed)} tasks pass.")


@app.command()
def hint(
    name: Name,
    task: Annotated[str | None, typer.Argument(help="Id of the task.")] = None,
    into: Into = None,
) -> None:
    """Show one more hint, by default of the first task that has not passed."""
    from veristack_lab.labs.manifest import HINTS_PER_TASK

    lab = _lab(name)
    task_id, number, text = _bench(lab, into).next_hint(lab, task)
    console = Console()
    console.print(f"[bold]Task {task_id}, hint {number} of {HINTS_PER_TASK}[/]")
    console.print(text, markup=False, highlight=False)


@app.command()
def solve(name: Name, into: Into = None) -> None:
    """Put the reference solution beside your work."""
    lab = _lab(name)
    path = _bench(lab, into).solve(lab)
    Console().print(f"the solution is in {path}", highlight=False, soft_wrap=True)


@app.command()
def reset(name: Name, into: Into = None) -> None:
    """Start a lab over; your work so far is kept under another name."""
    lab = _lab(name)
    bench = _bench(lab, into)
    kept = bench.reset(lab)
    console = Console()
    if kept is not None:
        console.print(f"your work so far is kept in {kept}", highlight=False, soft_wrap=True)
    console.print(f"begin anew in {bench.work(lab)}", highlight=False, soft_wrap=True)


@app.command("progress")
def show_progress(into: Into = None) -> None:
    """Show every task of every lab you have begun."""
    from veristack_lab.labs import manifest
    from veristack_lab.lessons import workplaces

    table = Table("lab", "task", "passed", "hints", "checks run")
    for lab in manifest.find_all():
        bench = _bench(lab, into)
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
        folder = into if into is not None else workplaces.home()
        words = f"nothing begun in {folder}; `veristack labs list` lists the labs"
        Console().print(words, markup=False, highlight=False, soft_wrap=True)


@app.command()
def selftest(
    name: Annotated[str | None, typer.Argument(help="One lab; all of them by default.")] = None,
) -> None:
    """Hold wrong and right variants of each solution to the checks; exit 1 on a false verdict.

    Ctrl-C ends it with what has been judged so far, and exit status 130.
    """
    from veristack_lab.labs import manifest, variants
    from veristack_lab.runtime import progress

    labs = manifest.find_all() if name is None else [manifest.find(name)]
    cases = [(lab, variant) for lab in labs for variant in variants.find_all(lab)]
    verdicts: list[Verdict] = []
    is_interrupted = False
    try:
        with progress.bar("judging variants", total=len(cases)) as on_progress:
            for lab, variant in cases:
                verdicts.append(variants.judge(lab, variant))
                on_progress(len(verdicts), len(cases))
    except KeyboardInterrupt:
        is_interrupted = True
    console = Console()
    judged = list(zip((lab for lab, _ in cases), verdicts, strict=False))
    console.print(_verdict_table(judged))
    console.print(_count_line(judged, len(cases)), soft_wrap=True)
    if is_interrupted:
        raise typer.Exit(130)
    if not all(verdict.as_expected for verdict in verdicts):
        raise typer.Exit(1)


def _verdict_table(judged: list[tuple[Lab, Verdict]]) -> Table:
    """Lab, variant and verdict; each cell is folded, never cut."""
    table = Table("lab", "variant", "verdict")
    for column in table.columns:
        column.overflow = "fold"
    before = ""
    for lab, verdict in judged:
        if lab.name != before and before:
            table.add_section()
        expected = verdict.variant.expected
        words = verdict.actual
        if not verdict.as_expected:
            words = f"FALSE: {words} (expected: {expected})"
        colour = "green" if verdict.as_expected else "bold red"
        shown = lab.name if lab.name != before else ""
        variant = f"{verdict.variant.kind}: {verdict.variant.name.replace('_', ' ')}"
        table.add_row(escape(shown), escape(variant), f"[{colour}]{escape(words)}[/]")
        before = lab.name
    return table


def _count_line(judged: list[tuple[Lab, Verdict]], of: int) -> str:
    from veristack_lab.labs import variants
    from veristack_lab.runtime.counting import counted

    labs = len({lab.name for lab, _ in judged})
    counts = {}
    for kind in (variants.RIGHT, variants.WRONG):
        mine = [verdict for _, verdict in judged if verdict.variant.kind == kind]
        counts[kind] = f"{sum(verdict.as_expected for verdict in mine)} of {len(mine)}"
    stopped = f"; stopped after {len(judged)} of {of} variants" if len(judged) < of else ""
    return (
        f"{counted(labs, 'lab')}: {counts[variants.RIGHT]} right variants accepted,"
        f" {counts[variants.WRONG]} wrong variants refused by their check{stopped}"
    )


def _bench(lab: Lab, into: Path | None) -> Workbench:
    from veristack_lab.lessons import workplaces

    return workplaces.bench_of(lab, into)


def _lab(name: str) -> Lab:
    from veristack_lab.labs import manifest

    return manifest.find(name)


def _option(lab: Lab, bench: Workbench) -> str:
    from veristack_lab.lessons import workplaces

    return workplaces.option(lab, bench)


def _tell_places(console: Console, labs: list[Lab], into: Path | None) -> None:
    """Where work goes, and which labs have work elsewhere."""
    from veristack_lab.lessons import workplaces

    console.print(workplaces.rule(into), markup=False)
    if into is not None:
        return
    for lab in labs:
        folder = workplaces.bench_of(lab).folder
        if folder != workplaces.home():
            console.print(f"{lab.name} was begun in {folder}, and goes on there", markup=False)
        for other in workplaces.passed_over(lab):
            words = f"there is other work on {lab.name}, which --into {other} takes"
            console.print(words, markup=False)


def _report(lab: Lab, outcomes: list[Outcome]) -> Table:
    table = Table("task", "check", "", title=lab.title)
    colours = {"passed": "green", "failed": "bold red", "waiting": "dim"}
    for outcome in outcomes:
        task = lab.task(outcome.task)
        state = f"[{colours[outcome.state]}]{outcome.state}[/]"
        table.add_row(f"{task.id} {task.title}", escape(outcome.title), state)
    return table


def _print_first_bad(console: Console, lab: Lab, outcomes: list[Outcome], option: str) -> None:
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
    command = f"veristack labs hint {lab.name} {failed.task}{option}"
    console.print(f"stuck? {command}", highlight=False, soft_wrap=True)


def _print_printed(console: Console, outcome: Outcome) -> None:
    """What the learner's code printed in this check."""
    if outcome.printed:
        console.print(f"your file printed, in the check {outcome.title!r}:", soft_wrap=True)
        text = indent(outcome.printed.rstrip(), "  | ")
        console.print(text, markup=False, highlight=False, soft_wrap=True)
