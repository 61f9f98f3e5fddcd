"""`veristack bench NAME`: how fast the lab is beside what one would use instead."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from veristack_lab import paths
from veristack_lab.errors import InvalidInput

if TYPE_CHECKING:
    from rich.table import Table

    from veristack_lab.bench import Contest, Row

Name = Annotated[str, typer.Argument(help="Which benchmark: a module of tests/benchmarks.")]
Repeats = Annotated[int, typer.Option(min=2, help="Rounds that are counted.")]
Out = Annotated[
    Path | None,
    typer.Option(help="Where the rows go as JSON; default tests/benchmarks/results/NAME.json."),
]


def command(name: Name, repeats: Repeats = 7, out: Out = None) -> None:
    """Measure against peers, interleaved; print a table and write it as JSON.

    The exit code is 0 also where a goal is missed: a benchmark reports, it does not judge.
    """
    from rich.console import Console

    from veristack_lab import bench, kernels, progress

    folder = benchmark_folder()
    kernels.warm()
    with opened(folder, name) as contests, progress.bar(f"measuring {name}") as tick:
        rows = bench.run(contests, repeats, tick)
    console = Console()
    console.print(_table(name, rows))
    target = out or folder / "results" / f"{name}.json"
    bench.write_json(rows, target)
    console.print(f"written to {target}")


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
    """The contests of a benchmark, with what they need held open meanwhile.

    Raises:
        InvalidInput: there is no such benchmark, or a peer is not installed.
    """
    known = {path.stem: path for path in folder.glob("*.py") if not path.stem.startswith("_")}
    if name not in known:
        raise InvalidInput(
            f"there is no benchmark {name!r}; there are: {', '.join(sorted(known)) or 'none'}"
        )
    spec = importlib.util.spec_from_file_location(f"veristack_bench_{name}", known[name])
    assert spec is not None  # a path that ends in .py has one
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        found = module.contests()
    except ModuleNotFoundError as error:
        raise InvalidInput(
            f"benchmark {name!r} compares with {error.name}, which is not installed:"
            " `pip install veristack-lab[bench]`"
        ) from error
    if isinstance(found, AbstractContextManager):
        with found as contests:
            yield contests
    else:
        yield found


def _table(name: str, rows: Sequence[Row]) -> Table:
    from rich.table import Table

    table = Table("id", "what", title=f"Benchmark {name}")
    for title in ("ours", "best peer", "ratio", "± iqr", "goal"):
        table.add_column(title, justify="right")
    table.add_column("met")
    for row in rows:
        table.add_row(
            row.id,
            row.what,
            f"{row.ours:,.4g} {row.unit}",
            f"{row.peer}: {row.peer_value:,.4g} {row.unit}",
            f"{row.ratio:,.3g} x",
            f"{row.iqr:.2g}",
            "" if row.goal is None else f">= {row.goal:g} x",
            {None: "", True: "yes", False: "[bold red]no[/]"}[row.met],
        )
    return table
