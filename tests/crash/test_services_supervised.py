"""Every part of a running service is killed or stopped, and health says so meanwhile.

A killed part comes back; a stopped one (SIGSTOP) is left alone, and nothing is lost by it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from veristack_lab.runtime.processes import Child, spawn, temporary_folder, wait_until_ready

pytestmark = [pytest.mark.crash, pytest.mark.backends]

LIMIT_S = 180.0
OURS = {"DATABASE_URL": "", "KAFKA_BOOTSTRAP_SERVERS": "", "OLLAMA_HOST": ""}
"""Nothing of the user's: what is killed here was started here."""


@contextmanager
def served(*arguments: str) -> Iterator[tuple[Child, str]]:
    """A `veristack ... serve` and its URL; it must end by itself at SIGTERM."""
    argv = [sys.executable, "-m", "veristack_lab", *arguments, "--port", "0"]
    with temporary_folder() as folder:
        log_path = folder / "log"
        with spawn(argv, name=" ".join(arguments[:2]), log_path=log_path, env=OURS) as server:
            wait_until_ready(server, lambda: "listening on " in server.log_tail(), LIMIT_S)
            yield server, server.log_tail().split("listening on ")[1].split()[0]
            os.kill(server.pid, signal.SIGTERM)
            assert server.wait(LIMIT_S) == 0
            assert "Traceback" not in log_path.read_text()


def kill_parts(server: Child, word: str) -> int:
    """SIGKILL the direct children whose command line holds the word; how many there were."""
    return len(signal_parts(server, word, signal.SIGKILL))


def signal_parts(server: Child, word: str, number: signal.Signals) -> list[psutil.Process]:
    """Send a signal to the direct children whose command line holds the word."""
    found = []
    for child in psutil.Process(server.pid).children():
        with suppress(psutil.ZombieProcess):  # it was killed just before
            if any(word in part for part in child.cmdline()):
                child.send_signal(number)
                found.append(child)
    return found


@contextmanager
def stopped(server: Child, url: str, word: str, names: set[str]) -> Iterator[None]:
    """Parts that stand still during the body, which begins when health says so.

    Afterwards every part is up, and none of those was started again.
    """
    parts = signal_parts(server, word, signal.SIGSTOP)
    try:
        assert len(parts) == len(names)
        until(lambda: names == {p["name"] for p in _parts(url) if p["state"] == "not answering"})
        yield
    finally:
        for part in parts:
            part.send_signal(signal.SIGCONT)
    until(lambda: all(part["state"] == "up" for part in _parts(url)))
    assert [part["name"] for part in _parts(url) if part["restarts"]] == []


def _parts(url: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = httpx.get(url, timeout=LIMIT_S).json()["parts"]
    return found


def until(ask: Callable[[], Any]) -> Any:
    """The first answer that is not empty; a server that does not answer yet has none."""
    deadline_s, tick = time.monotonic() + LIMIT_S, threading.Event()
    while time.monotonic() < deadline_s:
        try:
            found = ask()
        except httpx.TransportError:
            found = None
        if found:
            return found
        tick.wait(0.1)
    raise AssertionError("it did not happen in time")


def restarted(url: str, names: set[str]) -> bool:
    """Whether the named parts, and every other one, are up after a restart."""
    reply = httpx.get(url, timeout=LIMIT_S)
    parts = {part["name"]: part for part in reply.json().get("parts", [])}
    assert names <= set(parts)
    return (
        reply.status_code == 200
        and all(part["state"] == "up" for part in parts.values())
        and all(parts[name]["restarts"] >= 1 for name in names)
    )


def test_jobs(tmp_path: Path) -> None:
    with temporary_folder() as folder, served("jobs", "serve", str(folder / "jobs")) as (run, url):
        assert httpx.get(f"{url}/healthz").json()["status"] == "ok"
        assert kill_parts(run, "s3") == 1
        assert kill_parts(run, "postgres") == 1
        assert kill_parts(run, "veriflow.schedule") == 2
        names = {"object server", "postgres", "scheduler s1", "scheduler s2"}
        until(lambda: restarted(f"{url}/healthz", names))
        spec = {"name": "after", "workload": "docstrings", "parameters": {"steps": 20}}
        job = until(lambda: httpx.post(f"{url}/v1/jobs", json=spec, timeout=LIMIT_S).json())["job"]
        until(lambda: _state(f"{url}/v1/jobs/{job['job_id']}") == "SUCCEEDED")


def _state(url: str) -> str:
    state: str = httpx.get(url, timeout=LIMIT_S).json()["job"]["state"]
    return state


def test_documents() -> None:
    with served("ingest", "serve") as (run, url):
        assert kill_parts(run, "smartsearch.run") == 3
        names = {"relay", "worker-0", "worker-1"}
        body = {"tenantId": "me", "requestId": "1", "text": "The workers are back."}
        assert httpx.post(f"{url}/api/documents", json=body, timeout=LIMIT_S).status_code == 202
        until(lambda: restarted(f"{url}/api/health", names))
        query = {"tenantId": "me", "status": "READY"}
        until(lambda: httpx.get(f"{url}/api/documents", params=query, timeout=LIMIT_S).json())


def test_the_gateway() -> None:
    with served("gateway", "serve", "--text-engines", "1") as (run, url):
        assert httpx.get(f"{url}/api/lab/health").json()["status"] == "up"
        assert kill_parts(run, "engine_process") == 2
        until(lambda: httpx.get(f"{url}/api/lab/health").json()["status"] == "degraded")
        until(lambda: restarted(f"{url}/api/lab/health", {"text-0", "embeddings-0"}))
        body = {"model": "embeddings", "input": "merge"}
        assert until(lambda: httpx.post(f"{url}/api/embed", json=body).json().get("embeddings"))


def test_stopped_parts_of_jobs_spend_no_attempt() -> None:
    with temporary_folder() as folder, served("jobs", "serve", str(folder / "jobs")) as (run, url):
        health = f"{url}/healthz"
        spec = {"name": "after", "workload": "docstrings", "parameters": {"steps": 20}}
        names = {"scheduler s1", "scheduler s2"}
        with stopped(run, health, "veriflow.schedule", names):
            job = httpx.post(f"{url}/v1/jobs", json=spec, timeout=LIMIT_S).json()["job"]
            assert _state(f"{url}/v1/jobs/{job['job_id']}") == "QUEUED"
        with stopped(run, health, "s3", {"object server"}):
            assert httpx.get(f"{url}/v1/jobs", timeout=LIMIT_S).status_code == 200
        until(lambda: _state(f"{url}/v1/jobs/{job['job_id']}") == "SUCCEEDED")
        done = httpx.get(f"{url}/v1/jobs/{job['job_id']}", timeout=LIMIT_S).json()
        assert done["job"]["attempts"] == 1


def test_stopped_parts_of_the_pipeline_lose_no_document() -> None:
    with served("ingest", "serve") as (run, url):
        names = {"relay", "worker-0", "worker-1"}
        with stopped(run, f"{url}/api/health", "smartsearch.run", names):
            body = {"tenantId": "me", "requestId": "1", "text": "The workers stand still."}
            assert httpx.post(f"{url}/api/documents", json=body, timeout=LIMIT_S).status_code == 202
        query = {"tenantId": "me", "status": "READY"}
        ready = until(
            lambda: httpx.get(f"{url}/api/documents", params=query, timeout=LIMIT_S).json()
        )
        assert [document["attempts"] for document in ready] == [1]


def test_a_stopped_engine_goes_on() -> None:
    with served("gateway", "serve", "--text-engines", "1") as (run, url):
        names = {"text-0", "embeddings-0"}
        with stopped(run, f"{url}/api/lab/health", "engine_process", names):
            assert httpx.get(f"{url}/api/tags", timeout=LIMIT_S).status_code == 200
        body = {"model": "embeddings", "input": "merge"}
        assert until(lambda: httpx.post(f"{url}/api/embed", json=body).json().get("embeddings"))
