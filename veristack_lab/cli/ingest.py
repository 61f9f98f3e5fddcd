"""`veristack ingest ...`: documents in, passages and answers out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from veristack_lab.runtime.counting import counted

if TYPE_CHECKING:
    from veristack_lab.runtime.progress import OnProgress
    from veristack_lab.runtime.supervised import Supervised
    from veristack_lab.smartsearch.client import Search
    from veristack_lab.smartsearch.corpus import Source
    from veristack_lab.smartsearch.crew import Crew
    from veristack_lab.smartsearch.model import Passage
    from veristack_lab.smartsearch.settings import Settings

app = typer.Typer(no_args_is_help=True)

Folder = Annotated[
    Path | None,
    typer.Option(help="Keep the data here for later commands. Default: a temporary folder."),
]
Tenant = Annotated[str, typer.Option(help="Whose documents.")]
Hits = Annotated[int, typer.Option("--k", min=1, help="Number of documents to show.")]
Workers = Annotated[int, typer.Option(min=1, max=64, help="Number of worker processes.")]

STDLIB = "stdlib"
POLL_S = 0.2
NOT_STARTED = "http://127.0.0.1:9"  # never called: the command does not need that server


@app.callback()
def group() -> None:
    """Ingest documents and search them. Servers you do not provide are started for the command."""


@app.command()
def stdlib(
    sample: Annotated[
        int | None,
        typer.Option(min=1, help="A random sample of this many documents. Default: all."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the sample.")] = 1,
    folder: Folder = None,
    workers: Workers = 2,
    ask_first: Annotated[
        str, typer.Option("--question", help="What to search for when all is READY.")
    ] = "merge sorted files without reading all of them into memory",
) -> None:
    """Ingest the standard library's docstrings, then search them once."""
    from veristack_lab.runtime import progress
    from veristack_lab.smartsearch import corpus

    with _pipeline(folder, workers) as (connected, crew):
        sources = corpus.standard_library() if sample is None else corpus.sample(sample, seed)
        with progress.bar("documents finished", len(sources)) as tick:
            _ingest_all(connected, crew, sources, tick)
        found = connected.pressure()
        typer.echo(f"{counted(found.ready, 'document')} READY, {found.failed:,} FAILED")
        _print_hits(ask_first, connected.search(STDLIB, ask_first, 5))


@app.command()
def serve(
    port: Annotated[int, typer.Option(help="Port on loopback; 0 picks a free one.")] = 0,
    folder: Folder = None,
    workers: Workers = 2,
) -> None:
    """Run API, relay and workers until SIGTERM or Ctrl-C; prints the URL when ready.

    A part that dies is started again; GET /api/health names the parts that are down or do
    not answer.
    """
    from veristack_lab.runtime.listening import require_port
    from veristack_lab.runtime.stopping import stop_on_signals
    from veristack_lab.runtime.supervisor import Supervisor
    from veristack_lab.smartsearch.api import serve_in_thread

    require_port(port)
    stopped = stop_on_signals()
    parts: list[Supervised] = []
    with (
        _pipeline(folder, workers, parts) as (connected, crew),
        Supervisor([*parts, *crew.supervised()]) as supervisor,
        serve_in_thread(connected, port, supervisor.health) as url,
    ):
        print(f"listening on {url}", flush=True)
        stopped.wait()


@app.command()
def search(query: str, k: Hits = 5, folder: Folder = None, tenant: Tenant = STDLIB) -> None:
    """Show the passages nearest to a query."""
    with _search(folder) as connected:
        _print_hits(query, connected.search(tenant, query, k))


@app.command()
def ask(question: str, k: Hits = 3, folder: Folder = None, tenant: Tenant = STDLIB) -> None:
    """Answer a question from the documents, with the passages to check it against."""
    from rich.console import Console

    with _search(folder, text_engines=1) as connected:
        answer = connected.ask(tenant, question, k)
    console = Console(highlight=False)
    if answer.text:
        console.print(answer.text, markup=False)
    console.print(f"({answer.note})", style="italic", markup=False)
    _print_hits(question, list(answer.passages))


@app.command()
def pressure(folder: Folder = None) -> None:
    """Show how much work is waiting in each part."""
    from dataclasses import asdict

    with _search(folder, embeddings=False, broker=True) as connected:
        for name, value in asdict(connected.pressure()).items():
            text = f"{value:.1f}" if isinstance(value, float) else str(value)
            typer.echo(f"{name.replace('_', ' '):<22}{text:>10}")


@app.command("dead-letters")
def dead_letters(
    folder: Folder = None,
    replay: Annotated[
        bool, typer.Option(help="Send those not yet replayed through the pipeline again.")
    ] = False,
) -> None:
    """List documents that the workers gave up; replay them with --replay."""
    with _search(folder, embeddings=False) as connected:
        letters = connected.dead_letters()
        for letter in letters:
            state = "replayed" if letter.replayed_at else "open"
            typer.echo(f"{letter.id}  {state:<9} {letter.title or letter.document_id}")
            typer.echo(f"    after {counted(letter.attempts, 'attempt')}: {letter.reason}")
            if replay and not letter.replayed_at:
                connected.replay(letter.id)
                typer.echo("    replayed; a worker will take it up")
        if not letters:
            typer.echo("no dead letters")


@app.command()
def worker(
    name: Annotated[str | None, typer.Option(help="The worker's name in leases and logs.")] = None,
) -> None:
    """Run one more worker against servers of your own. See `relay` for the variables."""
    from veristack_lab.smartsearch.run import run

    run("worker", _settings_from_environment(), name)


@app.command()
def relay() -> None:
    """Run one more relay against servers of your own.

    Reads VERISTACK_SMARTSEARCH (all settings as JSON), else DATABASE_URL,
    KAFKA_BOOTSTRAP_SERVERS and OLLAMA_HOST.
    """
    from veristack_lab.smartsearch.run import run

    run("relay", _settings_from_environment())


def _settings_from_environment() -> Settings:
    import os

    from veristack_lab.errors import InvalidInput
    from veristack_lab.smartsearch.settings import ENVIRONMENT_VARIABLE, Settings

    if ENVIRONMENT_VARIABLE in os.environ:
        return Settings.from_environment()
    names = ("DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS", "OLLAMA_HOST")
    missing = [name for name in names if not os.environ.get(name)]
    if missing:
        raise InvalidInput(
            f"set {', '.join(missing)}: the address of a missing server cannot be"
            " guessed. `veristack ingest serve` starts everything by itself."
        )
    conninfo, bootstrap, gateway_url = (os.environ[name] for name in names)
    return Settings(conninfo, bootstrap, gateway_url)


@contextmanager
def _search(
    folder: Path | None,
    *,
    text_engines: int = 0,
    embeddings: bool = True,
    broker: bool = False,
    parts: list[Supervised] | None = None,
) -> Iterator[Search]:
    """A `Search` on servers that are found or started; only the needed ones.

    Those that were started here are added to `parts`.
    """
    from functools import partial

    from veristack_lab.backends.kafka import kafka
    from veristack_lab.backends.llm import llm
    from veristack_lab.backends.ownership import server_parts
    from veristack_lab.backends.postgres import postgres
    from veristack_lab.llmcache.gateway import Gateway
    from veristack_lab.runtime.probes import postgres_silence, stopped
    from veristack_lab.runtime.processes import temporary_folder
    from veristack_lab.smartsearch.client import connect

    with ExitStack() as stack:
        root = folder if folder else stack.enter_context(temporary_folder())
        started: list[Supervised] = [] if parts is None else parts
        database = stack.enter_context(postgres(root / "postgres"))
        asked = partial(postgres_silence, database.conninfo)
        started += server_parts("postgres", database, asked)
        bootstrap = url = NOT_STARTED
        if broker:
            log = stack.enter_context(kafka(root / "kafka"))
            bootstrap = log.bootstrap
            started += server_parts("kafka", log, lambda: stopped(log.pid))
        if embeddings or text_engines:
            engines = stack.enter_context(llm(root / "llm", text_engines=text_engines))
            started += engines.supervised()
            url = stack.enter_context(Gateway(engines.engines).serve())
        yield stack.enter_context(connect(database.conninfo, bootstrap=bootstrap, gateway_url=url))


@contextmanager
def _pipeline(
    folder: Path | None, workers: int, parts: list[Supervised] | None = None
) -> Iterator[tuple[Search, Crew]]:
    """The whole pipeline: API, relay and workers."""
    from veristack_lab.runtime.processes import temporary_folder
    from veristack_lab.smartsearch.crew import Crew

    with ExitStack() as stack:
        search = stack.enter_context(_search(folder, text_engines=1, broker=True, parts=parts))
        logs = folder / "logs" if folder else stack.enter_context(temporary_folder())
        yield search, stack.enter_context(Crew(search.settings, logs, workers=workers))


def _ingest_all(search: Search, crew: Crew, sources: Sequence[Source], tick: OnProgress) -> None:
    """Submit every document and wait until each is READY or FAILED."""
    import time

    for number, source in enumerate(sources):
        search.ingest(STDLIB, source.request_id, source.text, source.title)
        if number % 50 == 0:
            tick(search.finished(STDLIB), len(sources))
    while (finished := search.finished(STDLIB)) < len(sources):
        crew.require_alive()
        tick(finished, len(sources))
        time.sleep(POLL_S)
    tick(len(sources), len(sources))


def _print_hits(query: str, hits: Sequence[Passage]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    if not hits:
        typer.echo(
            "no READY document to search; `veristack ingest stdlib --folder F` brings some, and"
            " `--folder F` here finds them"
        )
        return
    table = Table(title=escape(query), title_justify="left", show_lines=True)
    table.add_column("", justify="right")
    table.add_column("document", overflow="fold")
    table.add_column("passage")
    table.add_column("cosine", justify="right")
    for number, hit in enumerate(hits, start=1):
        text = " ".join(hit.text.split())
        table.add_row(str(number), escape(hit.title), escape(text), f"{hit.similarity:.2f}")
    Console().print(table)
