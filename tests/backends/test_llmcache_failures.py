"""Engines that die under their requests."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import ollama
import pytest

import veristack_lab.veristore as veristore
from tests.waiting import PATIENCE_S
from veristack_lab.llmcache import Gateway, experiments, promises
from veristack_lab.llmcache.metadata import StoreMetadata
from veristack_lab.runtime.processes import spawn, wait_until_ready

if TYPE_CHECKING:
    from veristack_lab.backends.llm import LLM

pytestmark = [pytest.mark.backends, pytest.mark.crash]

OPTIONS = {"temperature": 0, "seed": 1, "num_predict": 8}
LONG = {"model": "text", "prompt": "go on", "options": {**OPTIONS, "num_predict": 1500}}


@pytest.fixture
def engines(tiny_llm: LLM) -> Iterator[LLM]:
    """The session's engines; the dead ones are started again afterwards."""
    yield tiny_llm
    for facts in tiny_llm.engines:
        tiny_llm.restart(facts.node_id)


def running_node(http: httpx.Client) -> str:
    (attempt,) = [d for d in http.get("/api/lab/decisions").json() if d["outcome"] == "running"]
    node: str = attempt["node_id"]
    return node


def test_a_stream_ends_with_an_error_when_its_engine_dies(engines: LLM) -> None:
    with (
        Gateway(engines.text).serve() as url,
        httpx.Client(base_url=url, timeout=PATIENCE_S) as http,
    ):
        with http.stream("POST", "/api/generate", json=LONG) as reply:
            lines = reply.iter_lines()
            next(lines)
            engines.kill(running_node(http))
            last: dict[str, Any] = json.loads(list(lines)[-1])
        assert reply.status_code == 200
        assert last.keys() == {"error"}
        assert last["error"].startswith("an error was encountered while running the model: ")
        again = http.post("/api/generate", json={**LONG, "options": OPTIONS})
        assert again.status_code == 200


def test_the_official_client_raises_it(engines: LLM) -> None:
    only = engines.text[0]  # so that it is killed at once, long before its answer is whole
    with (
        Gateway([only]).serve() as url,
        ollama.Client(host=url, timeout=PATIENCE_S) as client,
    ):
        stream = client.generate(model="text", prompt="go on", options=LONG["options"], stream=True)
        next(stream)
        engines.kill(only.node_id)
        with pytest.raises(ollama.ResponseError, match="an error was encountered"):
            list(stream)


def test_requests_go_on_without_the_dead_node_and_use_it_again(engines: LLM) -> None:
    with Gateway(engines.text).serve() as url:
        frame = experiments.kill_engine(engines, url, seed=3, steps=12, turns=2)
    plan, killed = frame.attrs, frame.attrs["killed_node"]
    assert promises.no_request_fails(frame).kept
    assert promises.dead_node_is_never_chosen(frame).kept
    assert promises.returned_node_is_used(frame).kept
    hit = (frame["step"] == plan["kill_step"]) & (frame["user"] == plan["kill_user"])
    retried = frame[hit].iloc[0]
    assert retried["tried"].split(",")[0] == killed
    assert (retried["attempts"], retried["node_id"] != killed) == (2, True)


def test_no_engine_left_is_503_until_one_comes_back(engines: LLM) -> None:
    body = {"model": "text", "prompt": "hello", "stream": False, "options": OPTIONS}
    with (
        Gateway(engines.text).serve() as url,
        httpx.Client(base_url=url, timeout=PATIENCE_S) as http,
    ):
        for facts in engines.text:
            engines.kill(facts.node_id)
        refused = http.post("/api/generate", json=body)
        assert refused.status_code == 503
        assert "no living engine serves 'tiny:random'" in refused.json()["error"]
        assert http.get("/api/ps").json() == {"models": []}
        node = engines.text[0].node_id
        engines.restart(node)
        experiments.wait_for_node(http, node, alive=True)
        assert http.post("/api/generate", json=body).status_code == 200


def test_embedding_fails_cleanly_without_its_engine(engines: LLM) -> None:
    with (
        Gateway(engines.engines).serve() as url,
        ollama.Client(host=url, timeout=PATIENCE_S) as client,
    ):
        node = engines.embeddings[0].node_id
        engines.kill(node)
        with pytest.raises(ollama.ResponseError) as caught:
            client.embed(model="embeddings", input="rain")
        assert caught.value.status_code == 503
        engines.restart(node)
        with httpx.Client(base_url=url) as http:
            experiments.wait_for_node(http, node, alive=True)
        assert len(client.embed(model="embeddings", input="rain").embeddings) == 1


def test_cold_warm_and_prefix_by_the_engines_count(engines: LLM) -> None:
    with Gateway(engines.text).serve() as url:
        frame = experiments.cold_warm_prefix(
            url, seed=5, prompt_words=60, output_tokens=4, repeats=2, engines=engines
        )
    by_kind = frame.set_index("kind")
    assert frame.groupby("kind").size().to_dict() == {
        "cold engine": 1,
        "cold": 2,
        "warm": 2,
        "prefix": 2,
        "unrelated": 2,
        "back": 2,
    }
    assert (by_kind.loc["cold engine", "load_ms"] > 0).all()
    warm = by_kind.loc["warm"]
    assert (warm["cached_tokens"] == warm["prompt_tokens"] - 1).all()
    assert (by_kind.loc[["cold", "unrelated"], "cached_tokens"] <= 4).all()
    for kind in ("prefix", "back"):
        share = by_kind.loc[kind, "cached_tokens"] / by_kind.loc[kind, "prompt_tokens"]
        assert share.between(0.6, 0.95).all()
    assert promises.never_expects_too_much(frame).kept


def test_counts_are_the_same_for_the_same_seed(engines: LLM) -> None:
    columns = ["kind", "prompt_tokens", "expected_tokens"]
    frames = []
    for _ in range(2):
        with Gateway(engines.text).serve() as url:
            frame = experiments.cold_warm_prefix(url, seed=9, prompt_words=20, repeats=1)
        frames.append(frame[columns])
    assert frames[0].equals(frames[1])


def test_a_new_gateway_remembers_and_a_forgetful_one_does_not(engines: LLM, folder: Path) -> None:
    frame = experiments.restart_gateway(engines.engines, folder / "store", seed=2)
    runs = dict(list(frame.groupby("run")))
    restored = runs["restored"]
    assert set(restored["kind"]) == {"exact"}
    assert promises.prefixes_are_found_again(frame).kept
    assert set(runs["forgetful"]["kind"]) == {"miss"}
    assert runs["forgetful"]["cached_tokens"].sum() < restored["cached_tokens"].sum()


def test_the_command_survives_a_kill_and_ends_cleanly(engines: LLM, folder: Path) -> None:
    argv = [sys.executable, "-m", "veristack_lab", "gateway", "serve"]
    for facts in engines.engines:
        argv += ["--engine", json.dumps(asdict(facts))]
    argv += ["--metadata", str(folder / "metadata")]
    for number in (signal.SIGKILL, signal.SIGTERM):
        log = folder / f"gateway-{number}.log"
        with spawn(argv, name="gateway", log_path=log) as child:
            wait_until_ready(child, partial(_listens, log))
            url = log.read_text().split("listening on ")[1].split()[0]
            with ollama.Client(host=url, timeout=PATIENCE_S) as client:
                for prompt in ("one", "two", "three"):
                    assert client.generate(model="text", prompt=prompt, options=OPTIONS).done
            os.kill(child.pid, number)
            assert child.wait(PATIENCE_S) == (0 if number == signal.SIGTERM else -signal.SIGKILL)
    with veristore.open(folder / "metadata") as store:
        nodes = {entry.node_id for entry in StoreMetadata(store).entries()}
    assert nodes
    assert nodes <= {facts.node_id for facts in engines.text}


def _listens(log: Path) -> bool:
    return b"listening on http" in log.read_bytes()
