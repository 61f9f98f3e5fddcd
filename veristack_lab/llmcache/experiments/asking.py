"""Asking the gateway as a client does, and waiting for what it should see."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import httpx

from veristack_lab.errors import EngineFailed
from veristack_lab.llmcache import prompts
from veristack_lab.llmcache.facts import EngineFacts

REQUEST_TIMEOUT_S = 300.0


SEEN_TIMEOUT_S = 30.0


POLL_INTERVAL_S = 0.002


class Engines(Protocol):
    """What an experiment may do to engines; `backends.llm` provides it."""

    @property
    def text(self) -> tuple[EngineFacts, ...]:
        """The engines that complete text."""
        ...

    def kill(self, node_id: str) -> None:
        """SIGKILL one."""
        ...

    def restart(self, node_id: str) -> None:
        """Start a killed one again; returns when it answers."""
        ...


@dataclass(frozen=True)
class Reply:
    """One streamed answer as the client saw it."""

    number: int
    """The gateway's number of the request."""
    text: str
    first_token_ms: float
    total_ms: float
    end: dict[str, Any]
    """The last line."""


def ask(
    client: httpx.Client, prompt: str, *, output_tokens: int, session_id: str | None = None
) -> Reply:
    """Stream one answer to a raw prompt at temperature 0, and time it.

    Raises:
        EngineFailed: the gateway refused the request, or the engine died under it.
    """
    body = {
        "model": "text",
        "prompt": prompt,
        "raw": True,  # a chat template would put the same words before every prompt
        "options": {"temperature": 0, "seed": 1, "num_predict": output_tokens},
    }
    headers = {"X-Session-Id": session_id} if session_id else {}
    started = time.perf_counter()
    first_token_ms, pieces = 0.0, []
    with client.stream("POST", "/api/generate", json=body, headers=headers) as reply:
        if reply.status_code != httpx.codes.OK:
            raise EngineFailed(reply.read().decode())
        for line in reply.iter_lines():
            first_token_ms = first_token_ms or ms_since(started)
            item = json.loads(line)
            if "error" in item:
                raise EngineFailed(item["error"])
            pieces.append(item["response"])
            if item["done"]:
                number = int(reply.headers["x-request-number"])
                return Reply(number, "".join(pieces), first_token_ms, ms_since(started), item)
    raise EngineFailed("the gateway ended the stream without a last line")


def attempts_of(client: httpx.Client, number: int) -> list[dict[str, Any]]:
    """The gateway's decisions about one request, oldest first."""
    found: list[dict[str, Any]] = client.get(
        "/api/lab/decisions", params={"request": number}
    ).json()
    return found


def wait_for_node(client: httpx.Client, node_id: str, *, alive: bool) -> None:
    """Wait until the gateway considers a node alive, or dead.

    Raises:
        EngineFailed: it did not in time.
    """

    def as_wanted() -> str | None:
        nodes = client.get("/api/lab/engines").json()
        return next(
            (n["node_id"] for n in nodes if n["node_id"] == node_id and n["alive"] == alive), None
        )

    poll(as_wanted, f"the gateway never saw {node_id} {'come back' if alive else 'die'}")


def poll(condition: Callable[[], str | None], complaint: str) -> str:
    """Wait until the condition returns a value. Raises `EngineFailed` with the complaint on
    timeout."""
    deadline = time.monotonic() + SEEN_TIMEOUT_S
    while (found := condition()) is None:
        if time.monotonic() > deadline:
            raise EngineFailed(f"{complaint}, in {SEEN_TIMEOUT_S:g} s")
        time.sleep(POLL_INTERVAL_S)
    return found


def fresh(rng: random.Random, count: int) -> str:
    """A prompt with a unique beginning."""
    return f"{prompts.nonce(rng)} {prompts.words(rng, count)}"


def ms_since(started: float) -> float:
    """Milliseconds since a moment of `time.perf_counter`."""
    return (time.perf_counter() - started) * 1000.0
