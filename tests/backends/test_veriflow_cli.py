"""`veristack jobs ...` against a real API."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from tests.waiting import PATIENCE_S
from veristack_lab import veriflow
from veristack_lab.cli import app
from veristack_lab.cli.jobs_client import parameters
from veristack_lab.errors import (
    BackendUnavailable,
    IdempotencyConflict,
    InvalidInput,
    JobNotFound,
    SchemaHeld,
)
from veristack_lab.runtime.processes import spawn, wait_until_ready
from veristack_lab.veriflow import rivals
from veristack_lab.veriflow.api import serve_in_thread
from veristack_lab.veriflow.dispatch import Dispatch
from veristack_lab.veriflow.rivals import require_alone
from veristack_lab.veriflow.runlog import RunLog

if TYPE_CHECKING:
    from veristack_lab.backends.postgres import PostgresFacts

pytestmark = pytest.mark.backends


@pytest.fixture
def flow(postgres_server: PostgresFacts, unique_name: str) -> Iterator[veriflow.Flow]:
    flow = veriflow.connect(postgres_server.conninfo, schema=unique_name)
    yield flow
    flow.drop_schema()


@pytest.fixture
def url(flow: veriflow.Flow) -> Iterator[str]:
    with serve_in_thread(flow) as url:
        yield url


def veristack(url: str, *arguments: str) -> str:
    environment = {"VERISTACK_JOBS_URL": url, "COLUMNS": "200"}
    result = CliRunner(env=environment).invoke(app, ["jobs", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_second_server_on_one_schema_is_told_of_the_first(flow: veriflow.Flow) -> None:
    first = Dispatch(flow.database, "s1", 30)
    first.seen(1)
    beating = threading.Event()

    def beat() -> None:
        while not beating.wait(0.05):
            first.seen(1)

    heart = threading.Thread(target=beat)
    heart.start()
    try:
        with pytest.raises(SchemaHeld, match=r"its schedulers \(s1\) run since 20.*--schema"):
            require_alone(flow.database, ["s1", "s2"], threading.Event())
        require_alone(flow.database, ["s3"], threading.Event())
    finally:
        beating.set()
        heart.join()


def test_the_schedulers_of_a_killed_server_are_not_in_the_way(flow: veriflow.Flow) -> None:
    Dispatch(flow.database, "s1", 30).seen(1)
    require_alone(flow.database, ["s1"], threading.Event(), silent_after_s=0.5)
    assert rivals._seen(flow.database, ["s1"], 600).keys() == {"s1"}


def test_a_sign_of_life_from_the_future_is_none(flow: veriflow.Flow) -> None:
    Dispatch(flow.database, "s1", 30).seen(1)
    with flow.database.transaction() as cursor:  # as after the clock was set back
        cursor.execute("update schedulers set seen_at = seen_at + interval '1 hour'")
    assert rivals._seen(flow.database, ["s1"], 600) == {}


def test_a_job_from_submission_to_result(url: str, flow: veriflow.Flow) -> None:
    assert veristack(url, "list") == "no jobs\n"
    said = veristack(url, "submit", "primes", "-p", "below=100", "--name", "few", "--key", "k")
    job_id, state, name = said.split()
    assert (state, name) == ("QUEUED", "few")
    assert "(seen before)" in veristack(
        url, "submit", "primes", "-p", "below=100", "--name", "few", "--key", "k"
    )
    assert "no scheduler is running" in veristack(url, "why", job_id)
    dispatch = Dispatch(flow.database, "s1", 30)
    (claim,) = dispatch.claim()
    RunLog(flow.database, claim.lease).metrics(1, {"primes": 25.0})
    RunLog(flow.database, claim.lease).result({"primes": 25})
    dispatch.succeed(claim.lease)
    shown = veristack(url, "show", job_id)
    for part in ("SUCCEEDED", "RUN_CLAIMED", "step 1: primes 25", "result: primes 25", "s1"):
        assert part in shown
    listed = veristack(url, "list", "--state", "succeeded")
    assert job_id in listed
    assert "1/3" in listed
    other = veristack(url, "submit", "primes").split()[0]
    assert "CANCELLED" in veristack(url, "cancel", other)


def test_the_servers_problems_are_the_labs_errors(url: str) -> None:
    veristack(url, "submit", "primes", "--key", "k")
    with pytest.raises(IdempotencyConflict):
        veristack(url, "submit", "primes", "--key", "k", "--seed", "2")
    with pytest.raises(InvalidInput, match="below"):
        veristack(url, "submit", "primes", "-p", "below=1")
    with pytest.raises(JobNotFound):
        veristack(url, "show", "00000000-0000-0000-0000-000000000000")
    with pytest.raises(InvalidInput, match="not a job id"):
        veristack(url, "why", "../jobs")


def test_a_missing_server_is_said_with_what_to_do() -> None:
    with pytest.raises(BackendUnavailable, match="veristack jobs serve"):
        veristack("http://127.0.0.1:1", "list")


def test_parameters_are_json_or_else_text() -> None:
    assert parameters(["a=1", "b=true", "c=x=y", 'd=["z"]']) == {
        "a": 1,
        "b": True,
        "c": "x=y",
        "d": ["z"],
    }
    with pytest.raises(InvalidInput, match="NAME=JSON"):
        parameters(["a"])


def test_one_command_serves_a_working_system(
    postgres_server: PostgresFacts, flow: veriflow.Flow, folder: Path
) -> None:
    """Postgres is given by DATABASE_URL here; everything else the command starts itself."""
    argv = [sys.executable, "-m", "veristack_lab", "jobs", "serve", str(folder / "data")]
    argv += ["--port", "0", "--schedulers", "1", "--schema", flow.database.schema]
    environment = {"DATABASE_URL": postgres_server.conninfo}
    with spawn(argv, name="jobs serve", log_path=folder / "log", env=environment) as server:
        wait_until_ready(server, lambda: "listening on " in server.log_tail(), timeout_s=PATIENCE_S)
        url = server.log_tail().split("listening on ")[1].split()[0]
        job_id = veristack(url, "submit", "primes", "-p", "below=1000").split()[0]
        wait_until_ready(server, lambda: flow.get(job_id).state.terminal, timeout_s=PATIENCE_S)
        os.kill(server.pid, signal.SIGINT)
        assert server.wait(PATIENCE_S) == 0
    result = flow.get(job_id).result
    assert result is not None
    assert result["primes"] == 168
