"""`veristack gateway ...`: one address in front of all inference engines."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pandas as pd

app = typer.Typer(no_args_is_help=True)


@app.callback()
def group() -> None:
    """Serve text and embeddings through Ollama's API."""


@app.command()
def serve(
    port: Annotated[int, typer.Option(help="Port on loopback; 0 picks a free one.")] = 0,
    engine: Annotated[
        list[str] | None,
        typer.Option(help="An engine's facts as JSON; repeatable. Default: engines found here."),
    ] = None,
    text_engines: Annotated[
        int, typer.Option(min=1, max=64, help="Text engines to start if none is given.")
    ] = 2,
    metadata: Annotated[
        Path | None,
        typer.Option(help="Folder of a store that keeps prefixes and sessions across restarts."),
    ] = None,
    max_active: Annotated[int, typer.Option(min=1, help="Most requests served at a time.")] = 8,
) -> None:
    """Run the gateway until SIGTERM or Ctrl-C. Prints `listening on URL` when it is ready.

    An engine started here that dies is started again; GET /api/lab/health names the engines that
    are down or do not answer.
    """
    from veristack_lab.llmcache import Gateway
    from veristack_lab.llmcache.facts_json import parse
    from veristack_lab.runtime.listening import require_port
    from veristack_lab.runtime.stopping import stop_on_signals
    from veristack_lab.runtime.supervisor import Supervisor

    facts = [parse(text) for text in engine or []]
    require_port(port)
    stopped = stop_on_signals()
    with ExitStack() as stack:
        store = None
        if metadata is not None:
            import veristack_lab.veristore as veristore

            store = stack.enter_context(veristore.open(metadata))
        supervisor = Supervisor([])
        if not facts:
            from veristack_lab.backends.llm import llm

            engines = stack.enter_context(llm(text_engines=text_engines))
            facts = list(engines.engines)
            supervisor = stack.enter_context(Supervisor(engines.supervised()))
        gateway = Gateway(facts, metadata=store, max_active=max_active, parts=supervisor.health)
        url = stack.enter_context(gateway.serve(port))
        print(f"listening on {url}", flush=True)
        stopped.wait()


@app.command()
def published() -> None:
    """The published table, computed from its formula, and the same figures corrected."""
    from veristack_lab.llmcache import scenarios

    _print("as published", scenarios.published_table())
    _print("served and rejected counted separately", scenarios.corrected_table())


def _print(title: str, frame: pd.DataFrame) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for name in frame.columns:
        table.add_column(
            str(name).replace("_", " "), justify="left" if name == "scenario" else "right"
        )
    for row in frame.itertuples(index=False):
        table.add_row(
            *(
                f"{cell:.2f}".rstrip("0").rstrip(".") if isinstance(cell, float) else str(cell)
                for cell in row
            )
        )
    Console().print(table)
