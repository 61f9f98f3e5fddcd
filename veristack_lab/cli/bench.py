"""`veristack bench NAME`: how fast the lab is, compared with the usual alternatives."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated

import typer

from veristack_lab.errors import InvalidInput
from veristack_lab.runtime import paths

if TYPE_CHECKING:
    from rich.table import Table

    from veristack_lab.bench import Contest, Row

Name = Annotated[str, typer.Argument(help="Which benchmark: a module of tests/benchmarks.")]
Repeats = Annotated[int, typer.Option(min=2, help="Rounds that are counted.")]
Out = Annotated[
    Path | None,
    typer.Option(help="Where the rows go as JSON; default tests/benchmarks/results/NAME.json."),
]
Only = Annotated[
    str | None,
    typer.Option(help="Only contests whose id starts with this: P6,P8. No file unless --out."),
]


def command(name: Name, repeats: Repeats = 7, out: Out = None, only: Only = None) -> None:
    """Measure against peers, interleaved; print a table and write it as JSON.

    The exit code is 0 even if a goal is missed: a benchmark reports, it does not judge.
    """
    from rich.console import Console

    from veristack_lab import bench, kernels
    from veristack_lab.cli.places import require_writable_file
    from veristack_lab.runtime import progress

    folder = benchmark_folder()
    if out is not None:
        require_writable_file(out)
    with opened(folder, name) as contests, progress.bar(f"measuring {name}") as tick:
        kernels.warm()
        rows = bench.run(chosen(contests, only), repeats, tick)
    console = Console()
    console.print(_table(name, rows))
    for row in rows:
        if row.profile:
            console.print(f"[bold]{row.id}[/]: {row.profile}", highlight=False)
    for verdict, ids in bench.summary(rows).items():
        if ids:
            console.print(f"goals {verdict}: {', '.join(ids)}", highlight=False)
    if only is None or out is not None:
        target = out or folder / "results" / f"{name}.json"
        bench.write_json(rows, target)
        console.print(f"written to {target}")


def chosen(contests: Sequence[Contest], only: str | None) -> Sequence[Contest]:
    """The contests whose ids begin with one of the comma-separated words; all if none is given.

    Raises:
        InvalidInput: no contest does.
    """
    if only is None:
        return contests
    prefixes = tuple(word.strip() for word in only.split(",") if word.strip())
    found = [contest for contest in contests if contest.id.startswith(prefixes)]
    if not found:
        known = ", ".join(contest.id for contest in contests)
        raise InvalidInput(f"no contest begins with {only!r}; there are: {known}")
    return found


def benchmark_folder() -> Path:
    """Where the benchmarks are.

    Raises:
        InvalidInput: the package was installed without its source tree.
    """
    root = paths.checkout()
    if root is None:
        raise InvalidInput(
            "benchmarks need the source tree: clone the project and install it with"
            " `pip install -e .[bench]`"
        )
    return root / "tests" / "benchmarks"


@contextmanager
def opened(folder: Path, name: str) -> Iterator[Sequence[Contest]]:
    """The contests of a benchmark; what they need stays open until the block ends.

    A benchmark that names others in `INCLUDES` runs after them, in the same run. Code shared by
    several is in modules beside them whose names begin with an underscore.

    Raises:
        InvalidInput: there is no such benchmark, or a peer is not installed.
    """
    known = {path.stem: path for path in folder.glob("*.py") if not path.stem.startswith("_")}
    if name not in known:
        raise InvalidInput(
            f"there is no benchmark {name!r}; there are: {', '.join(sorted(known)) or 'none'}"
        )
    try:
        module = _loaded(known[name])
        found = module.contests()
    except ModuleNotFoundError as error:
        raise InvalidInput(
            f"benchmark {name!r} compares with {error.name}, which is not installed:"
            " `pip install veristack-lab[bench]`"
        ) from error
    with ExitStack() as stack:
        contests: list[Contest] = []
        for included in getattr(module, "INCLUDES", ()):
            contests += stack.enter_context(opened(folder, included))
        if isinstance(found, AbstractContextManager):
            found = stack.enter_context(found)
        yield [*contests, *found]


def _loaded(path: Path) -> ModuleType:
    """The module at a path, which may import the modules beside it."""
    spec = importlib.util.spec_from_file_location(f"veristack_bench_{path.stem}", path)
    assert spec is not None  # a path that ends in .py has one
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
    return module


_VERDICTS = {None: "?", True: "yes", False: "[bold red]no[/]"}


def _table(name: str, rows: Sequence[Row]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(title=f"Benchmark {name}", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("work")
    for title in ("ours", "best peer", "ratio", "goal"):
        wide = title == "best peer"
        table.add_column(title, justify="right", no_wrap=not wide, max_width=16 if wide else None)
    table.add_column("met", no_wrap=True)
    for row in rows:
        table.add_row(
            f"[bold]{row.id}[/] {row.what}",
            f"{row.ours:,.4g}\n{row.unit}",
            f"{row.peer_value:,.4g}\n{row.peer}",
            f"{row.ratio:,.3g}\n± {row.iqr:.1g}",
            "" if row.goal is None else f"{row.goal:g}",
            "" if row.goal is None else _VERDICTS[row.met],
        )
    return table
