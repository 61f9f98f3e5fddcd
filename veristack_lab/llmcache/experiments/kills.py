"""An engine that is killed while it answers, and comes back."""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx
import pandas as pd

from veristack_lab.errors import InvalidInput
from veristack_lab.llmcache import prompts
from veristack_lab.llmcache.experiments.asking import (
    REQUEST_TIMEOUT_S,
    Engines,
    attempts_of,
    ms_since,
    poll,
    wait_for_node,
)
from veristack_lab.runtime.progress import OnProgress, silent

USERS = 2


@dataclass(frozen=True)
class KillPlan:
    """When each event happens, in steps of the experiment; decided by the seed alone."""

    kill_step: int
    kill_user: int
    """The user whose request the killed engine is answering."""
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
            "latency_ms": ms_since(started),
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

        self.killed = poll(at_work, "the request never reached an engine")
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
