"""`veristack crash-sweep`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from veristack_lab.cli.workers import Workers, pool_of

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 10


def command(
    workload: Annotated[
        str, typer.Option(help="Name of the workload; an unknown name lists all.")
    ] = "two_hundred",
    exhaustive: Annotated[
        bool, typer.Option("--exhaustive", help="Every crash point, every legal image.")
    ] = False,
    samples: Annotated[
        int | None, typer.Option(min=1, help="Sample this many images (default 300).")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of garbage and samples.")] = 0,
    limit: Annotated[
        int, typer.Option(min=1, help="At most this many images per crash point, if exhaustive.")
    ] = 65_536,
    workers: Workers = 0,
    json_path: Annotated[
        Path | None, typer.Option("--json", metavar="PATH", help="File to write all rows to.")
    ] = None,
) -> None:
    """Cut the power of a simulated disk everywhere in a workload; judge what recovery finds.

    Prints what was covered and every broken promise. Exit code 1 if there is one.
    """
    from veristack_lab import sim
    from veristack_lab.cli.places import require_writable_file
    from veristack_lab.runtime.progress import bar

    chosen = sim.workloads.named(workload)
    if json_path is not None:
        require_writable_file(json_path)
    with pool_of(workers) as executor, bar(f"cutting the power in {workload}") as tick:
        frame = sim.crash_sweep(
            chosen,
            exhaustive=exhaustive,
            samples=samples,
            seed=seed,
            executor=executor,
            on_progress=tick,
            limit=limit,
        )
    if json_path is not None:
        facts = {"attrs": frame.attrs, "rows": frame.to_dict("records")}
        json_path.write_text(json.dumps(facts, indent=1) + "\n")
    _report(frame)
    if frame.attrs["counts"]["violations"]:
        raise typer.Exit(1)


def _report(frame: pd.DataFrame) -> None:
    attrs = frame.attrs
    counts, coverage = attrs["counts"], attrs["coverage"]
    rows = {
        "workload": f"{attrs['workload']}, {attrs['steps']} steps, seed {attrs['seed']}",
        "crash points": f"{counts['crash_points']:,}, {coverage['crash_points']:.0%} of all",
        "enumerated": f"{counts['exhaustive_points']:,} of them with every legal image",
        "images": f"{counts['images']:,} distinct ones opened; legal choices of names, lengths "
        f"and sectors: {counts['legal_images']:,}, of torn bytes: {counts['torn_images']:,}",
        "recoveries": f"{counts['recoveries']:,}, including second and interrupted ones",
        "policies": ", ".join(coverage["policies"]),
        "trace": attrs["trace_hash"],
        "violations": f"{counts['violations']:,}",
    }
    for name, text in rows.items():
        print(f"{name + ':':<15}{text}")
    broken = frame[frame["violation"] != ""]
    for row in broken.head(_SHOWN).itertuples():
        print(
            f"at {row.crash_point}, before '{row.operation}', {row.policy} [{row.choice}]: "
            f"{row.promise}: {row.violation}",
            file=sys.stderr,
        )
    if len(broken) > _SHOWN:
        print(f"and {len(broken) - _SHOWN:,} more; --json keeps them all", file=sys.stderr)
