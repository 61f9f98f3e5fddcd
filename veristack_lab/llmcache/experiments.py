"""What can be measured about the serving layer, as functions that return DataFrames.

All of them work through the gateway's HTTP face, as a client does: the time to the first token
is the client's own. Cached-token counts are the engine's own.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import httpx
import pandas as pd

from veristack_lab.errors import EngineFailed, InvalidInput
from veristack_lab.llmcache import prompts
from veristack_lab.llmcache.facts import EngineFacts
from veristack_lab.runtime.progress import OnProgress, silent

NANOSECONDS_PER_MS = 1e6
REQUEST_TIMEOUT_S = 300.0
SEEN_TIMEOUT_S = 30.0
POLL_INTERVAL_S = 0.002
USERS = 2


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
            first_token_ms = first_token_ms or _ms_since(started)
            item = json.loads(line)
            if "error" in item:
                raise EngineFailed(item["error"])
            pieces.append(item["response"])
            if item["done"]:
                number = int(reply.headers["x-request-number"])
                return Reply(number, "".join(pieces), first_token_ms, _ms_since(started), item)
    raise EngineFailed("the gateway ended the stream without a last line")


def cold_warm_prefix(
    gateway_url: str,
    *,
    seed: int = 0,
    prompt_words: int = 150,
    output_tokens: int = 16,
    repeats: int = 3,
    engines: Engines | None = None,
    on_progress: OnProgress | None = None,
) -> pd.DataFrame:
    """The same prompt cold, warm, related and unrelated, with the model's load told apart.

    Each repeat asks five times: `cold` (begins with a nonce), `warm` (the same again),
    `prefix` (the same but for its last fifth), `unrelated` (another nonce), `back` (the first
    one again). With `engines`, their processes are killed and started first and the first row
    is `cold engine`: its `load_ms` is the time from starting the process until it answered.

    Returns:
        One row a request: kind, repeat, node_id, load_ms, prompt_tokens, cached_tokens (the
        engine's count), expected_tokens (the router's), ttft_ms, prompt_ms and decode_ms (the
        engine's), total_ms. Times differ from run to run, counts do not.
    """
    tick, rng = on_progress or silent, random.Random(seed)
    total = 5 * repeats + (engines is not None)
    rows: list[dict[str, Any]] = []
    with httpx.Client(base_url=gateway_url, timeout=REQUEST_TIMEOUT_S) as client:

        def measure(kind: str, repeat: int, prompt: str, load_ms: dict[str, float]) -> None:
            reply = ask(client, prompt, output_tokens=output_tokens)
            rows.append(_row(client, kind, repeat, reply, load_ms))
            tick(len(rows), total)

        if engines is not None:
            load_ms = _reload(client, engines)
            measure("cold engine", 0, _fresh(rng, prompt_words), load_ms)
        for repeat in range(repeats):
            shared = _fresh(rng, prompt_words - prompt_words // 5)
            first = f"{shared} {prompts.words(rng, prompt_words // 5)}"
            related = f"{shared} {prompts.words(rng, prompt_words // 5)}"
            measure("cold", repeat, first, {})
            measure("warm", repeat, first, {})
            measure("prefix", repeat, related, {})
            measure("unrelated", repeat, _fresh(rng, prompt_words), {})
            measure("back", repeat, first, {})
    frame = pd.DataFrame(rows)
    frame.attrs = {
        "seed": seed,
        "prompt_words": prompt_words,
        "output_tokens": output_tokens,
        "repeats": repeats,
    }
    return frame


def _fresh(rng: random.Random, count: int) -> str:
    return f"{prompts.nonce(rng)} {prompts.words(rng, count)}"


def _reload(client: httpx.Client, engines: Engines) -> dict[str, float]:
    """Kill and start every text engine; how long each took to load."""
    load_ms = {}
    for facts in engines.text:
        engines.kill(facts.node_id)
        wait_for_node(client, facts.node_id, alive=False)
        started = time.perf_counter()
        engines.restart(facts.node_id)
        load_ms[facts.node_id] = _ms_since(started)
        wait_for_node(client, facts.node_id, alive=True)
    return load_ms


def _row(
    client: httpx.Client, kind: str, repeat: int, reply: Reply, load_ms: dict[str, float]
) -> dict[str, Any]:
    attempt = attempts_of(client, reply.number)[-1]
    return {
        "kind": kind,
        "repeat": repeat,
        "node_id": attempt["node_id"],
        "load_ms": load_ms.get(attempt["node_id"], 0.0),
        "prompt_tokens": reply.end["prompt_eval_count"],
        "cached_tokens": reply.end["prompt_eval_cached_count"],
        "expected_tokens": attempt["reusable_tokens"],
        "ttft_ms": reply.first_token_ms,
        "prompt_ms": reply.end["prompt_eval_duration"] / NANOSECONDS_PER_MS,
        "decode_ms": reply.end["eval_duration"] / NANOSECONDS_PER_MS,
        "total_ms": reply.total_ms,
    }


@dataclass(frozen=True)
class KillPlan:
    """When which thing happens, in steps of the experiment; from the seed alone."""

    kill_step: int
    kill_user: int
    """Whose request is being answered by the engine that is killed."""
    restart_step: int
    steps: int


def plan_kill(seed: int, steps: int, turns: int) -> KillPlan:
    """Kill between a sixth and a half of the run; restart one conversation after that.

    Raises:
        InvalidInput: too few steps for that.
    """
    if turns < 1 or steps < 6 * turns:
        raise InvalidInput(f"{steps} steps are too few: give at least {6 * max(turns, 1)}")
    rng = random.Random(f"{seed}/kill")
    kill_step, kill_user = rng.randrange(steps // 6, steps // 2), rng.randrange(USERS)
    restart_step = (kill_step // turns + 2) * turns
    return KillPlan(kill_step, kill_user, restart_step, steps)


def kill_engine(
    engines: Engines,
    gateway_url: str,
    *,
    seed: int = 0,
    steps: int = 18,
    turns: int = 3,
    prompt_words: int = 40,
    output_tokens: int = 24,
    output_tokens_at_kill: int = 128,
    on_progress: OnProgress | None = None,
) -> pd.DataFrame:
    """Two users talk at once while the engine under one of them is killed, and comes back.

    In every step each user sends one request, both at the same time; a conversation has
    `turns` requests, each with the earlier ones before it, and a session of its own. At a
    seeded step the engine that works on one user's request is killed with SIGKILL in the middle
    of it. One conversation later it is started again.

    Returns:
        One row a request: step, user, conversation, turn, phase (before, kill, down, after),
        node_id (that answered), attempts, outcome, started_s, latency_ms, prompt_tokens,
        cached_tokens. `attrs` has the plan, the killed node, and when it died and came back.
    """
    tick = on_progress or silent
    plan = plan_kill(seed, steps, turns)
    run = _KillRun(engines, gateway_url, seed, turns, prompt_words, plan)
    with run.client, ThreadPoolExecutor(USERS) as users:
        for step in range(steps):
            if step == plan.restart_step:
                run.restart()
            length = output_tokens_at_kill if step == plan.kill_step else output_tokens
            asked = [users.submit(run.request, step, user, length) for user in range(USERS)]
            if step == plan.kill_step:
                run.kill(asked[plan.kill_user])
            run.rows.extend(future.result() for future in asked)
            tick(step + 1, steps)
        run.add_decisions()
    frame = pd.DataFrame(run.rows)
    frame.attrs = {
        "seed": seed,
        "steps": steps,
        "turns": turns,
        "kill_step": plan.kill_step,
        "kill_user": plan.kill_user,
        "restart_step": plan.restart_step,
        "killed_node": run.killed,
        "killed_s": run.killed_s,
        "back_s": run.back_s,
    }
    return frame


class _KillRun:
    """One run of `kill_engine`."""

    def __init__(
        self, engines: Engines, url: str, seed: int, turns: int, prompt_words: int, plan: KillPlan
    ) -> None:
        self.engines = engines
        self.client = httpx.Client(base_url=url, timeout=REQUEST_TIMEOUT_S)
        self.seed, self.turns, self.prompt_words, self.plan = seed, turns, prompt_words, plan
        self.rows: list[dict[str, Any]] = []
        self.killed = ""
        self.killed_s = self.back_s = 0.0
        self.started = time.perf_counter()
        self.both_ready = threading.Barrier(USERS)

    def prompt(self, user: int, conversation: int, turn: int) -> str:
        """A conversation up to this turn: each turn's prompt begins with the one before."""
        rng = random.Random(f"{self.seed}/{user}/{conversation}")
        parts = [prompts.nonce(rng)]
        parts += [prompts.words(rng, self.prompt_words) for _ in range(turn + 1)]
        return " ".join(parts)

    def session(self, user: int, conversation: int) -> str:
        return f"seed-{self.seed}-user-{user}-conversation-{conversation}"

    def phase(self, step: int) -> str:
        if step == self.plan.kill_step:
            return "kill"
        if step < self.plan.kill_step:
            return "before"
        return "down" if step < self.plan.restart_step else "after"

    def request(self, step: int, user: int, output_tokens: int) -> dict[str, Any]:
        conversation, turn = divmod(step, self.turns)
        body = {
            "model": "text",
            "prompt": self.prompt(user, conversation, turn),
            "raw": True,
            "stream": False,
            "options": {"temperature": 0, "seed": 1, "num_predict": output_tokens},
        }
        headers = {"X-Session-Id": self.session(user, conversation)}
        self.both_ready.wait(REQUEST_TIMEOUT_S)
        started = time.perf_counter()
        reply = self.client.post("/api/generate", json=body, headers=headers)
        answer = reply.json()
        return {
            "step": step,
            "user": user,
            "conversation": conversation,
            "turn": turn,
            "phase": self.phase(step),
            "number": int(reply.headers.get("x-request-number", 0)),
            "outcome": "answered" if reply.status_code == httpx.codes.OK else answer["error"],
            "started_s": started - self.started,
            "latency_ms": _ms_since(started),
            "prompt_tokens": answer.get("prompt_eval_count"),
            "cached_tokens": answer.get("prompt_eval_cached_count"),
        }

    def kill(self, asked: Future[dict[str, Any]]) -> None:
        """Kill the engine that works on this request, or that just answered it."""
        session = self.session(self.plan.kill_user, self.plan.kill_step // self.turns)

        def at_work() -> str | None:
            for attempt in reversed(self.client.get("/api/lab/decisions").json()):
                if attempt["session_id"] == session:
                    running = attempt["outcome"] == "running"
                    node: str = attempt["node_id"]
                    return node if running or asked.done() else None
            return None

        self.killed = _poll(at_work, "the request never reached an engine")
        self.engines.kill(self.killed)
        self.killed_s = time.perf_counter() - self.started

    def restart(self) -> None:
        self.engines.restart(self.killed)
        wait_for_node(self.client, self.killed, alive=True)
        self.back_s = time.perf_counter() - self.started

    def add_decisions(self) -> None:
        """Which node answered each request, and at which attempt."""
        for row in self.rows:
            attempts = attempts_of(self.client, row.pop("number"))
            row["attempts"] = len(attempts)
            row["node_id"] = attempts[-1]["node_id"] if attempts else None
            row["tried"] = ",".join(str(attempt["node_id"]) for attempt in attempts)


def restart_gateway(
    engines: Sequence[EngineFacts],
    store_path: Path,
    *,
    seed: int = 0,
    prompt_words: int = 60,
    output_tokens: int = 4,
    on_progress: OnProgress | None = None,
) -> pd.DataFrame:
    """What a gateway knows after a restart, with its metadata in a store and without.

    Fills every slot of the text engines with a prompt of its own through a gateway that keeps
    its metadata in `store_path`, stops that gateway, and asks for the same prompts in reverse
    order: `restored` through a new gateway with the store opened again, then `forgetful`
    through one that starts from nothing. The engines keep running all the time.

    Returns:
        One row a request: run (first, restored, forgetful), prompt (its number), kind (of the
        decision), node_id, prompt_tokens, expected_tokens, cached_tokens (the engine's count),
        ttft_ms.
    """
    import veristack_lab.veristore as veristore
    from veristack_lab.llmcache.gateway import Gateway

    text = [facts for facts in engines if facts.capability == "text"]
    rng, count = random.Random(seed), sum(facts.slots for facts in text)
    asked = [_fresh(rng, prompt_words) for _ in range(count)]
    tick, rows = on_progress or silent, list[dict[str, Any]]()

    def pass_through(gateway: Gateway, run: str, order: Sequence[int]) -> None:
        with (
            gateway.serve() as url,
            httpx.Client(base_url=url, timeout=REQUEST_TIMEOUT_S) as client,
        ):
            for number in order:
                reply = ask(client, asked[number], output_tokens=output_tokens)
                attempt = attempts_of(client, reply.number)[-1]
                rows.append(_gateway_row(run, number, reply, attempt))
                tick(len(rows), 3 * count)

    backwards = list(reversed(range(count)))
    with veristore.open(store_path) as store:
        pass_through(Gateway(text, metadata=store), "first", range(count))
    with veristore.open(store_path) as store:
        again = Gateway(text, metadata=store)
        pass_through(again, "restored", backwards)
        restored = again.restored
    pass_through(Gateway(text), "forgetful", backwards)
    frame = pd.DataFrame(rows)
    frame.attrs = {"seed": seed, "prompts": count, "restored_prefixes": restored[0]}
    return frame


def _gateway_row(run: str, number: int, reply: Reply, attempt: dict[str, Any]) -> dict[str, Any]:
    return {
        "run": run,
        "prompt": number,
        "kind": attempt["kind"],
        "node_id": attempt["node_id"],
        "prompt_tokens": reply.end["prompt_eval_count"],
        "expected_tokens": attempt["reusable_tokens"],
        "cached_tokens": reply.end["prompt_eval_cached_count"],
        "ttft_ms": reply.first_token_ms,
    }


def attempts_of(client: httpx.Client, number: int) -> list[dict[str, Any]]:
    """The gateway's decisions about one request, oldest first."""
    found: list[dict[str, Any]] = client.get(
        "/api/lab/decisions", params={"request": number}
    ).json()
    return found


def wait_for_node(client: httpx.Client, node_id: str, *, alive: bool) -> None:
    """Wait until the gateway holds a node for alive, or dead.

    Raises:
        EngineFailed: it did not in time.
    """

    def as_wanted() -> str | None:
        nodes = client.get("/api/lab/engines").json()
        return next(
            (n["node_id"] for n in nodes if n["node_id"] == node_id and n["alive"] == alive), None
        )

    _poll(as_wanted, f"the gateway never saw {node_id} {'come back' if alive else 'die'}")


def _poll(condition: Callable[[], str | None], complaint: str) -> str:
    deadline = time.monotonic() + SEEN_TIMEOUT_S
    while (found := condition()) is None:
        if time.monotonic() > deadline:
            raise EngineFailed(f"{complaint}, in {SEEN_TIMEOUT_S:g} s")
        time.sleep(POLL_INTERVAL_S)
    return found


def _ms_since(started: float) -> float:
    return (time.perf_counter() - started) * 1000.0
