"""`veristack jobs ...`: training jobs, from the whole system in one command to a single query."""

from __future__ import annotations

import math
import os
import socket
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(no_args_is_help=True)

DEFAULT_PORT = 8600
DEFAULT_URL = f"http://127.0.0.1:{DEFAULT_PORT}"

Url = Annotated[
    str, typer.Option(help="Address of the job API.", envvar="VERISTACK_JOBS_URL", metavar="URL")
]
JobId = Annotated[str, typer.Argument(metavar="JOB", help="The job's id, as `list` shows it.")]
Schema = Annotated[str, typer.Option(help="Postgres schema that holds the jobs.")]
Slots = Annotated[int, typer.Option(help="Runs at a time for each scheduler.", min=1)]


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise typer.BadParameter(f"{value} is not a number of seconds")
    return value


LeaseS = Annotated[
    float,
    typer.Option(
        "--lease",
        min=0.1,
        callback=_finite,
        help="Seconds without a heartbeat until a run is reclaimed.",
    ),
]


@app.callback()
def group() -> None:
    """Submit training jobs, run them, and see why they are where they are."""


@app.command()
def serve(
    path: Annotated[
        Path | None,
        typer.Argument(metavar="[PATH]", help="Folder that keeps all data; temporary if absent."),
    ] = None,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 picks one.")] = DEFAULT_PORT,
    schedulers: Annotated[int, typer.Option(help="Scheduler processes to start.", min=0)] = 2,
    slots: Slots = 1,
    lease_s: LeaseS = 10.0,
    schema: Schema = "veriflow",
) -> None:
    """Serve the job API, with all it needs: Postgres, object store, schedulers.

    Postgres is yours if DATABASE_URL names one. A part that dies is started again; GET /healthz
    names the parts that are down or do not answer. Prints `objects at URL`, the store that
    `jobs schedule` wants, and `listening on URL` when ready; ends on Ctrl-C or SIGTERM.
    """
    from contextlib import ExitStack
    from functools import partial

    from veristack_lab.backends.objects import running_object_server
    from veristack_lab.backends.ownership import server_parts
    from veristack_lab.backends.postgres import postgres
    from veristack_lab.runtime.listening import require_port
    from veristack_lab.runtime.probes import http_silence, postgres_silence
    from veristack_lab.runtime.processes import temporary_folder
    from veristack_lab.runtime.stopping import stop_on_signals
    from veristack_lab.runtime.supervised import ServerPart, Supervised
    from veristack_lab.runtime.supervisor import Supervisor
    from veristack_lab.veriflow import connect
    from veristack_lab.veriflow.api import serve_in_thread
    from veristack_lab.veriflow.fleet import Fleet
    from veristack_lab.veriflow.rivals import require_alone

    require_port(port)
    stop = stop_on_signals()
    with ExitStack() as stack:
        folder = path.absolute() if path else stack.enter_context(temporary_folder())
        server = stack.enter_context(postgres(folder / "postgres"))
        objects = stack.enter_context(running_object_server(folder))
        flow = stack.enter_context(connect(server.conninfo, schema=schema))
        fleet = Fleet(server.conninfo, schema, objects.url, folder / "runs", lease_s)
        names = [f"s{number + 1}" for number in range(schedulers)]
        if server.origin == "yours":  # one that was started here has no other user
            require_alone(flow.database, names, stop)
        parts: list[Supervised] = []
        parts += server_parts("postgres", server, partial(postgres_silence, server.conninfo))
        asked = partial(http_silence, objects.url)
        parts.append(ServerPart("object server", lambda: objects.alive, objects.start, asked))
        parts += stack.enter_context(fleet.supervised(*names, slots=slots))
        supervisor = stack.enter_context(Supervisor(parts))
        url = stack.enter_context(serve_in_thread(flow, port, supervisor.health))
        print(f"objects at {objects.url}", flush=True)
        print(f"listening on {url}", flush=True)
        stop.wait()


@app.command()
def schedule(
    objects: Annotated[str, typer.Option(help="Address of the object store.", metavar="URL")],
    name: Annotated[str | None, typer.Option(help="Name of this scheduler.")] = None,
    folder: Annotated[
        Path | None, typer.Option(help="Folder for the output of runs; temporary if absent.")
    ] = None,
    slots: Slots = 1,
    lease_s: LeaseS = 10.0,
    schema: Schema = "veriflow",
) -> None:
    """Run one scheduler on the Postgres that DATABASE_URL names, until Ctrl-C or SIGTERM.

    Start the object store with `veristack s3 serve PATH`.
    """
    from contextlib import ExitStack

    from veristack_lab.backends.postgres import your_conninfo
    from veristack_lab.errors import BackendUnavailable
    from veristack_lab.runtime.processes import temporary_folder
    from veristack_lab.veriflow import schedule as scheduling

    conninfo = your_conninfo()
    if conninfo is None:
        raise BackendUnavailable(
            "set DATABASE_URL to the Postgres that holds the jobs, or run `veristack jobs serve`, "
            "which starts one with its schedulers"
        )
    with ExitStack() as stack:
        scheduling.schedule(
            conninfo=conninfo,
            schema=schema,
            objects_url=objects,
            scheduler_id=name or f"{socket.gethostname()}-{os.getpid()}",
            folder=folder or stack.enter_context(temporary_folder()),
            slots=slots,
            lease_s=lease_s,
        )


@app.command()
def submit(
    workload: Annotated[str, typer.Argument(help="Which workload: docstrings, primes.")],
    name: Annotated[str | None, typer.Option(help="What to call the job.")] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", metavar="NAME=JSON", help="One parameter; repeatable."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Decides everything random in the job.")] = 0,
    max_attempts: Annotated[int, typer.Option(help="Most runs before the job fails.")] = 3,
    priority: Annotated[int, typer.Option(help="Each point is worth a minute of waiting.")] = 0,
    key: Annotated[str | None, typer.Option(help="Idempotency-Key.")] = None,
    url: Url = DEFAULT_URL,
) -> None:
    """Put a job into the queue. Example: veristack jobs submit docstrings -p steps=500."""
    from veristack_lab.cli import jobs_client, jobs_view

    body = {
        "name": name or workload,
        "workload": workload,
        "parameters": jobs_client.parameters(parameter or []),
        "seed": seed,
        "max_attempts": max_attempts,
        "priority": priority,
    }
    headers = {} if key is None else {"Idempotency-Key": key}
    jobs_view.submitted(jobs_client.call(url, "POST", "/v1/jobs", json=body, headers=headers))


@app.command("list")
def list_jobs(
    state: Annotated[str | None, typer.Option(help="Only jobs in this state.")] = None,
    limit: Annotated[int, typer.Option(help="Maximum number of jobs, newest first.")] = 20,
    url: Url = DEFAULT_URL,
) -> None:
    """List jobs, newest first."""
    from veristack_lab.cli import jobs_client, jobs_view

    query: dict[str, Any] = {"limit": limit, **({"state": state.upper()} if state else {})}
    jobs_view.listing(jobs_client.call(url, "GET", "/v1/jobs", params=query)["jobs"])


@app.command()
def show(job: JobId, url: Url = DEFAULT_URL) -> None:
    """Show a job, its runs, its history and its result."""
    from veristack_lab.cli import jobs_client, jobs_view

    jobs_view.whole(jobs_client.call(url, "GET", jobs_client.path(job)))


@app.command()
def cancel(job: JobId, url: Url = DEFAULT_URL) -> None:
    """Stop a job."""
    from veristack_lab.cli import jobs_client, jobs_view

    jobs_view.submitted(jobs_client.call(url, "POST", jobs_client.path(job, "cancel")))


@app.command()
def why(job: JobId, url: Url = DEFAULT_URL) -> None:
    """Say why a job is where it is."""
    from veristack_lab.cli import jobs_client, jobs_view

    jobs_view.why(jobs_client.call(url, "GET", jobs_client.path(job, "why")))
