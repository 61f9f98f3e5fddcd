"""`veristack sim ...`: a whole Raft cluster in the simulator."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from veristack_lab.cli.workers import Workers, pool_of

if TYPE_CHECKING:
    import pandas as pd

    from veristack_lab.sim.cluster.scenario import Scenario

app = typer.Typer(help="Run a Raft cluster in the simulator.", no_args_is_help=True)

_SHOWN = 10


@app.command()
def sweep(
    seeds: Annotated[
        int, typer.Option(min=1, max=1_000_000, help="How many seeds, from --first on.")
    ] = 100,
    first: Annotated[int, typer.Option(min=0, max=2**62, help="The first seed.")] = 0,
    seed: Annotated[
        int | None,
        typer.Option(min=0, max=2**62, help="Replay this one seed, and explain what it showed."),
    ] = None,
    nodes: Annotated[int, typer.Option(min=1, max=9, help="Nodes of the cluster.")] = 3,
    faults: Annotated[
        float, typer.Option(min=0, max=1000, help="Faults of a seed on average.")
    ] = 14.0,
    workers: Workers = 0,
    csv_path: Annotated[
        Path | None, typer.Option("--csv", metavar="PATH", help="File to write all rows to.")
    ] = None,
) -> None:
    """Run a cluster under many seeds, with faults, and ask every promise at every step.

    Prints the faults by kind, the rare situations that were reached, and every broken promise. Exit
    code 1 if there is one.
    """
    from veristack_lab.cli.places import require_writable_file
    from veristack_lab.runtime.progress import bar
    from veristack_lab.sim.cluster.scenario import Scenario
    from veristack_lab.sim.cluster.sweeping import sweep as run_seeds

    scenario = Scenario(nodes=nodes, faults=faults).checked()
    if csv_path is not None:
        require_writable_file(csv_path)
    if seed is not None:
        _replay(scenario, seed)
        return
    with pool_of(workers) as executor, bar(f"running {seeds:,} clusters") as tick:
        frame = run_seeds(
            range(first, first + seeds), scenario, executor=executor, on_progress=tick
        )
    if csv_path is not None:
        frame.to_csv(csv_path, index=False)
    _report(frame)
    if not frame["ok"].all():
        raise typer.Exit(1)


def _replay(scenario: Scenario, seed: int) -> None:
    from veristack_lab.sim.cluster.running import run

    result = run(scenario, seed)
    for fault in result.faults:
        typer.echo(f"  {fault}")
    typer.echo(
        f"{result.operations} operations, {result.unknown} of unknown outcome, "
        f"{result.commit} entries committed, {result.events:,} events in {result.virtual_s:g} s; "
        f"trace {result.trace}"
    )
    typer.echo(result.explain())
    for violation in result.violations[1:_SHOWN]:
        typer.echo(f"  then, at {violation.at_s:.3f} s: {violation.story} ({violation.promise})")
    if not result.ok:
        raise typer.Exit(1)


def _report(frame: pd.DataFrame) -> None:
    attrs, broken = frame.attrs, frame[~frame["ok"]]
    liveness = broken["promise"].isin(["serves", "converges"])
    struck = attrs["struck"]
    rows = {
        "runs": f"{len(frame):,}, {frame['virtual_s'].sum():,.0f} s of virtual time",
        "operations": f"{frame['operations'].sum():,} done, {frame['unknown'].sum():,} unknown",
        "faults": f"{sum(struck.values()):,}, on average {frame['faults'].mean():.1f} a run",
        "by kind": ", ".join(f"{kind} {struck[kind]:,}" for kind in sorted(struck)),
        "situations": f"{sum(map(bool, attrs['reached'].values()))} of {len(attrs['reached'])}",
        "missed": ", ".join(attrs["missed"]) or "none",
        "violations": f"{len(broken) - int(liveness.sum())}",
        "liveness failures": f"{int(liveness.sum())}",
    }
    for name, text in rows.items():
        typer.echo(f"{name:18s} {text}")
    for row in broken.head(_SHOWN).itertuples():
        typer.echo(f"  seed {row.seed}, at {row.at_s:.3f} s: {row.story} ({row.promise})")
    if len(broken) > _SHOWN:
        typer.echo(f"  and {len(broken) - _SHOWN} more; --csv PATH writes all of them")
