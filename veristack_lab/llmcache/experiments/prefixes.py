"""What a prefix is worth: the same prompt cold, warm, related and unrelated."""

from __future__ import annotations

import random
import time
from typing import Any

import httpx
import pandas as pd

from veristack_lab.llmcache import prompts
from veristack_lab.llmcache.experiments.asking import (
    REQUEST_TIMEOUT_S,
    Engines,
    Reply,
    ask,
    attempts_of,
    fresh,
    ms_since,
    wait_for_node,
)
from veristack_lab.runtime.progress import OnProgress, silent

NANOSECONDS_PER_MS = 1e6


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
    """The same prompt cold, warm, related and unrelated, with the model's load time separated.

    Each repeat asks five times: `cold` (begins with a nonce), `warm` (the same again),
    `prefix` (the same but for its last fifth), `unrelated` (another nonce), `back` (the first one
    again). With `engines`, their processes are killed and started first and the first row is `cold
    engine`: its `load_ms` is the time from starting the process until it answered.

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
            measure("cold engine", 0, fresh(rng, prompt_words), load_ms)
        for repeat in range(repeats):
            shared = fresh(rng, prompt_words - prompt_words // 5)
            first = f"{shared} {prompts.words(rng, prompt_words // 5)}"
            related = f"{shared} {prompts.words(rng, prompt_words // 5)}"
            measure("cold", repeat, first, {})
            measure("warm", repeat, first, {})
            measure("prefix", repeat, related, {})
            measure("unrelated", repeat, fresh(rng, prompt_words), {})
            measure("back", repeat, first, {})
    frame = pd.DataFrame(rows)
    frame.attrs = {
        "seed": seed,
        "prompt_words": prompt_words,
        "output_tokens": output_tokens,
        "repeats": repeats,
    }
    return frame


def _reload(client: httpx.Client, engines: Engines) -> dict[str, float]:
    """Kill and start every text engine; how long each took to load."""
    load_ms = {}
    for facts in engines.text:
        engines.kill(facts.node_id)
        wait_for_node(client, facts.node_id, alive=False)
        started = time.perf_counter()
        engines.restart(facts.node_id)
        load_ms[facts.node_id] = ms_since(started)
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
