"""Real engines: the same words from each, caches that are counted, kills that are felt."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
import pytest

from tests.backends.minilm_reference import Reference
from tests.waiting import PATIENCE_S
from veristack_lab.backends import doctor, install, models, tiny_model
from veristack_lab.backends.llama_engine import LlamaEngine
from veristack_lab.backends.llm import LLM, llm
from veristack_lab.errors import BackendError, BackendUnavailable, ProcessDied
from veristack_lab.llmcache.facts import EngineFacts
from veristack_lab.llmcache.gateway import Gateway

pytestmark = pytest.mark.backends

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "minilm_l6_v2.json").read_text())


def complete(
    facts: EngineFacts, prompt: str, tokens: int = 24, **options: object
) -> dict[str, Any]:
    body = {"prompt": prompt, "n_predict": tokens, "temperature": 0, **options}
    reply = httpx.post(f"{facts.url}/completion", json=body, timeout=PATIENCE_S)
    return dict(reply.raise_for_status().json())


def embed(facts: EngineFacts, texts: list[str]) -> np.ndarray:
    reply = httpx.post(f"{facts.url}/v1/embeddings", json={"input": texts}, timeout=PATIENCE_S)
    rows = sorted(reply.raise_for_status().json()["data"], key=lambda row: row["index"])
    return np.array([row["embedding"] for row in rows])


# --------------------------------------------------------------- tiny model


def test_they_are_what_they_say(tiny_llm: LLM) -> None:
    assert [facts.node_id for facts in tiny_llm.engines] == ["text-0", "text-1", "embeddings-0"]
    assert {facts.model for facts in tiny_llm.text} == {"tiny:random"}
    assert all(facts.random_weights for facts in tiny_llm.text)
    (embeddings,) = tiny_llm.embeddings
    assert (embeddings.model, embeddings.random_weights) == ("minilm:l6", False)
    for facts in tiny_llm.engines:
        properties = httpx.get(f"{facts.url}/props").json()
        assert properties["default_generation_settings"]["n_ctx"] == facts.context_tokens
        assert properties["total_slots"] == facts.slots
        assert facts.size_bytes == Path(properties["model_path"]).stat().st_size
        assert psutil.Process(facts.pid).is_running()


def test_only_loopback_is_listened_on(tiny_llm: LLM) -> None:
    for facts in tiny_llm.engines:
        listening = [
            connection.laddr.ip
            for connection in psutil.Process(facts.pid).net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN
        ]
        assert listening == ["127.0.0.1"]


def test_greedy_output_is_the_same_on_every_engine(tiny_llm: LLM) -> None:
    first, second = (complete(facts, "once upon a time", 64) for facts in tiny_llm.text)
    assert first["content"] == second["content"]
    assert len(first["content"]) == 64


def test_a_token_is_a_character(tiny_llm: LLM) -> None:
    facts = tiny_llm.text[0]
    for text in ("plain words, 123.", "Ünlike"):
        reply = httpx.post(f"{facts.url}/tokenize", json={"content": text}).json()
        known = sum(character == " " or character in tiny_model.CHARACTERS for character in text)
        in_bytes = sum(
            len(character.encode())
            for character in text
            if character != " " and character not in tiny_model.CHARACTERS
        )
        assert len(reply["tokens"]) == known + in_bytes


@pytest.mark.parametrize("seed", [1, 2])
def test_even_hot_sampling_gives_the_length_asked_for(tiny_llm: LLM, seed: int) -> None:
    reply = complete(tiny_llm.text[0], "ab", 300, temperature=2.0, seed=seed, top_k=0)
    assert reply["tokens_predicted"] == 300
    assert set(reply["content"]) <= set(tiny_model.CHARACTERS[1:]) | {" "}


def test_the_engine_counts_what_it_did_not_compute_again(tiny_llm: LLM, unique_name: str) -> None:
    facts = tiny_llm.text[0]
    prompt = f"{unique_name} tells a story. " * 10
    whole = 1 + len(prompt)  # one for the beginning of the text
    cold = complete(facts, prompt, 4)["timings"]
    warm = complete(facts, prompt, 4)["timings"]
    related = complete(facts, prompt + "and more", 4)["timings"]
    # The beginning of the text may be there from another prompt, and nothing else.
    assert cold["cache_n"] <= 1
    assert cold["cache_n"] + cold["prompt_n"] == whole
    assert (warm["cache_n"], warm["prompt_n"]) == (whole - 1, 1)
    assert related["cache_n"] + related["prompt_n"] == whole + len("and more")
    assert related["cache_n"] >= whole - 1


def test_too_long_a_prompt_is_refused(tiny_llm: LLM) -> None:
    facts = tiny_llm.text[0]
    body = {"prompt": "a" * facts.context_tokens, "n_predict": 1}
    reply = httpx.post(f"{facts.url}/completion", json=body, timeout=PATIENCE_S)
    assert reply.status_code == 400
    assert reply.json()["error"]["type"] == "exceed_context_size_error"


def test_metrics_and_slots_can_be_read(tiny_llm: LLM) -> None:
    for facts in tiny_llm.text:
        assert "llamacpp:" in httpx.get(f"{facts.url}/metrics").text
        assert len(httpx.get(f"{facts.url}/slots").json()) == facts.slots


@pytest.mark.crash
def test_a_killed_engine_comes_back_cold_on_its_port(tiny_llm: LLM, unique_name: str) -> None:
    before, other = tiny_llm.text
    prompt = f"remember {unique_name} well"
    expected = complete(before, prompt)["content"]
    tiny_llm.kill("text-0")
    assert not tiny_llm.alive("text-0")
    assert tiny_llm.alive("text-1")
    with pytest.raises(httpx.TransportError):
        complete(before, prompt)
    assert complete(other, prompt)["content"] == expected
    tiny_llm.restart("text-0")
    after = tiny_llm.text[0]
    assert after.url == before.url
    assert after.pid != before.pid
    reply = complete(after, prompt)
    assert reply["timings"]["cache_n"] == 0
    assert reply["content"] == expected


def test_a_paused_engine_holds_its_requests(tiny_llm: LLM) -> None:
    tiny_llm.pause("text-1")
    try:
        assert tiny_llm.alive("text-1")
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(f"{tiny_llm.text[1].url}/health", timeout=0.2)
    finally:
        tiny_llm.resume("text-1")
    assert httpx.get(f"{tiny_llm.text[1].url}/health", timeout=PATIENCE_S).status_code == 200


def test_a_port_that_is_taken_is_not_mistaken_for_ready(tiny_llm: LLM, folder: Path) -> None:
    taken = int(tiny_llm.text[0].url.rpartition(":")[2])
    engine = LlamaEngine("late", models.TINY, folder)
    engine.port = taken
    with pytest.raises(ProcessDied, match="late ended"):
        engine.start()
    assert not engine.alive


# --------------------------------------------------------------- embeddings


@pytest.fixture(scope="module")
def reference() -> Reference:
    return Reference(models.ensure(models.MINILM))


def test_vectors_agree_with_a_plain_numpy_encoder(tiny_llm: LLM, reference: Reference) -> None:
    texts = [row["text"] for row in GOLDEN["vectors"] if len(row["text"]) < 70]
    served = embed(tiny_llm.embeddings[0], texts)
    computed = np.array([reference.embed(text) for text in texts])
    assert served.shape == (len(texts), 384)
    assert np.allclose(np.linalg.norm(served, axis=1), 1, atol=1e-5)
    assert (served * computed).sum(axis=1).min() >= 0.999


def test_vectors_agree_with_those_of_the_published_weights(tiny_llm: LLM) -> None:
    """The golden vectors are a full-precision forward pass over the safetensors."""
    assert GOLDEN["weights_sha256"] == install.MINILM_FILES["model.safetensors"].sha256
    texts = [row["text"] for row in GOLDEN["vectors"]]
    golden = np.array([row["vector"] for row in GOLDEN["vectors"]])
    cosines = (embed(tiny_llm.embeddings[0], texts) * golden).sum(axis=1)
    for text, cosine in zip(texts, cosines, strict=True):
        assert cosine >= (0.999 if " " in text else 0.998), text


def test_texts_are_cut_into_the_same_pieces(tiny_llm: LLM, reference: Reference) -> None:
    for row in GOLDEN["vectors"]:
        body = {"content": row["text"], "add_special": True}
        reply = httpx.post(f"{tiny_llm.embeddings[0].url}/tokenize", json=body)
        assert reply.json()["tokens"] == reference.tokenize(row["text"])


# ---------------------------------------------------------------- SmolLM2


def test_the_small_model_knows_a_capital(folder: Path) -> None:
    with llm(folder, embedding_engines=0, model="smollm2") as engines:
        (facts,) = engines.engines
        body = {
            "messages": [{"role": "user", "content": "What is the capital of France?"}],
            "temperature": 0,
            "max_tokens": 16,
        }
        reply = httpx.post(f"{facts.url}/v1/chat/completions", json=body, timeout=PATIENCE_S).json()
    assert reply["choices"][0]["message"]["content"] == "The capital of France is Paris."
    assert not facts.random_weights
    assert facts.kv_bytes_per_token == 23_040


def test_a_missing_model_is_named_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setenv("VERISTACK_HOME", str(folder))
    with pytest.raises(BackendUnavailable, match="backends install models"), llm(model="tiny"):
        pytest.fail("it should not have started")


# ----------------------------------------------------------- Ollama's API


@pytest.fixture(scope="module")
def gateway_url(tiny_llm: LLM) -> Iterator[str]:
    """A server of yours that speaks Ollama's API: here the lab's own gateway."""
    with Gateway(tiny_llm.engines).serve() as url:
        yield url


def test_an_ollama_of_yours_is_used_and_never_killed(
    gateway_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", gateway_url)
    with llm(text_engines=2) as yours:
        assert yours.origin == "yours"
        assert [facts.node_id for facts in yours.engines] == ["text-0", "embeddings-0"]
        assert [facts.model for facts in yours.engines] == ["tiny:random", "minilm:l6"]
        assert {facts.kind for facts in yours.engines} == {"ollama"}
        assert yours.text[0].random_weights
        assert yours.alive("text-0")
        for hurt in (yours.kill, yours.restart, yours.pause):
            with pytest.raises(BackendError, match="unset OLLAMA_HOST"):
                hurt("text-0")
    report = doctor.examine_llm()
    assert (report.in_use, report.usable, report.next_step) == ("yours", True, "")
    assert "tiny:random, minilm:l6" in report.version


def test_a_model_that_yours_lacks_is_named(
    gateway_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", gateway_url)
    monkeypatch.setenv("VERISTACK_TEXT_MODEL", "huge:70b")
    with pytest.raises(BackendUnavailable, match="`ollama pull huge:70b`"), llm():
        pytest.fail("it should not have started")
    report = doctor.examine_llm()
    assert (report.usable, report.next_step) == (False, "ollama pull huge:70b")
