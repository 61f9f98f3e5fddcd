"""What a gateway knows after a restart."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pandas as pd

from veristack_lab.llmcache.experiments.asking import (
    REQUEST_TIMEOUT_S,
    Reply,
    ask,
    attempts_of,
    fresh,
)
from veristack_lab.llmcache.facts import EngineFacts
from veristack_lab.runtime.progress import OnProgress, silent


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
    asked = [fresh(rng, prompt_words) for _ in range(count)]
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
