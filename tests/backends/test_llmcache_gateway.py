"""The gateway in front of real engines, through Ollama's official client."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import numpy as np
import ollama
import pytest

import veristack_lab.veristore as veristore
from tests.waiting import PATIENCE_S, wait_until
from veristack_lab.errors import InvalidInput, PortUnavailable, StoreCorrupt
from veristack_lab.llmcache import Gateway, service
from veristack_lab.runtime.paths import data_file

if TYPE_CHECKING:
    from veristack_lab.backends.llm import LLM

pytestmark = pytest.mark.backends

OPTIONS = {"temperature": 0, "seed": 1, "num_predict": 8}
SHAPES: dict[str, Any] = json.loads(data_file("golden/ollama-shapes.json").read_text())
OURS = {"prompt_eval_cached_count"}


@pytest.fixture(scope="module")
def url(tiny_llm: LLM) -> Iterator[str]:
    with Gateway(tiny_llm.engines).serve() as address:
        yield address


@pytest.fixture
def client(url: str) -> Iterator[ollama.Client]:
    with ollama.Client(host=url, timeout=PATIENCE_S) as found:
        yield found


@pytest.fixture
def http(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=PATIENCE_S) as found:
        yield found


def shape(value: Any) -> Any:
    """A JSON value as the captures describe it: names of types, one item of a list."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items() if key not in OURS}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return {bool: "bool", int: "int", float: "float", str: "str"}[type(value)]


def lines(reply: httpx.Response) -> list[dict[str, Any]]:
    return [json.loads(line) for line in reply.text.splitlines()]


# ------------------------------------------------------------------- shapes

TEXT = {"model": "text", "prompt": "the rain", "options": OPTIONS}
CHAT = {"model": "text", "messages": [{"role": "user", "content": "hello"}], "options": OPTIONS}
LONG = "a" * 5000


@pytest.mark.parametrize(
    ("name", "path", "body"),
    [
        ("generate_nostream", "generate", {**TEXT, "stream": False}),
        ("generate_raw", "generate", {**TEXT, "stream": False, "raw": True}),
        ("generate_load_only", "generate", {"model": "text"}),
        ("generate_unload", "generate", {"model": "text", "keep_alive": 0}),
        ("unknown_field", "generate", {**TEXT, "stream": False, "unheard_of": True}),
        (
            "unknown_option",
            "generate",
            {**TEXT, "stream": False, "options": {**OPTIONS, "unheard_of": 1}},
        ),
        ("oversize_truncated", "generate", {**TEXT, "stream": False, "prompt": LONG}),
        ("chat_nostream", "chat", {**CHAT, "stream": False}),
        ("chat_load_only", "chat", {"model": "text", "messages": []}),
        ("embed_single", "embed", {"model": "embeddings", "input": "rain"}),
        ("embed_minilm", "embed", {"model": "embeddings", "input": ["rain", "sun"]}),
        ("embed_empty", "embed", {"model": "embeddings", "input": []}),
        ("embed_dimensions", "embed", {"model": "embeddings", "input": "rain", "dimensions": 8}),
        ("embed_too_long_trunc", "embed", {"model": "embeddings", "input": "rain " * 3000}),
        ("embeddings_legacy", "embeddings", {"model": "embeddings", "prompt": "rain"}),
    ],
)
def test_replies_have_ollamas_shape(
    http: httpx.Client, name: str, path: str, body: dict[str, Any]
) -> None:
    reply = http.post(f"/api/{path}", json=body)
    assert reply.status_code == SHAPES[name]["status"], reply.text
    assert reply.headers["content-type"] == SHAPES[name]["content_type"]
    assert shape(reply.json()) == SHAPES[name]["body"]


@pytest.mark.parametrize(
    ("name", "path", "body"), [("generate_stream", "generate", TEXT), ("chat_stream", "chat", CHAT)]
)
def test_streams_have_ollamas_shape(
    http: httpx.Client, name: str, path: str, body: dict[str, Any]
) -> None:
    reply = http.post(f"/api/{path}", json=body)
    assert reply.headers["content-type"] == SHAPES[name]["content_type"]
    first, *_, last = lines(reply)
    assert shape(first) == SHAPES[name]["ndjson_first"]
    assert shape(last) == SHAPES[name]["ndjson_last"]


@pytest.mark.parametrize(
    ("name", "path", "body"),
    [
        ("err_empty_body", "generate", b""),
        ("err_invalid_json", "generate", b'{"model": "tiny", '),
        ("err_not_json_ct", "generate", b"hello"),
        ("err_wrong_type", "generate", b'{"model": "text", "prompt": 7}'),
        ("wrong_option_type", "generate", b'{"model": "text", "options": {"num_predict": "a"}}'),
        ("bad_format", "generate", b'{"model": "text", "prompt": "x", "format": "xml"}'),
        ("err_model_404_generate", "generate", b'{"model": "nope", "prompt": "x"}'),
        ("err_no_model", "generate", b'{"prompt": "x"}'),
        ("err_bad_model_name", "generate", b'{"model": "a b!!", "prompt": "x"}'),
        ("err_model_404_chat", "chat", b'{"model": "nope", "messages": []}'),
        ("err_model_404_embed", "embed", b'{"model": "nope", "input": "x"}'),
        ("show_404", "show", b'{"model": "nope"}'),
        (
            "oversize_notruncate",
            "generate",
            json.dumps({"model": "text", "prompt": LONG, "truncate": False}).encode(),
        ),
        (
            "embed_too_long_notrunc",
            "embed",
            json.dumps(
                {"model": "embeddings", "input": "rain " * 3000, "truncate": False}
            ).encode(),
        ),
    ],
)
def test_errors_are_ollamas(http: httpx.Client, name: str, path: str, body: bytes) -> None:
    reply = http.post(f"/api/{path}", content=body)
    assert (reply.status_code, reply.json()) == (SHAPES[name]["status"], SHAPES[name]["body"])
    assert reply.headers["content-type"] == SHAPES[name]["content_type"]


def test_a_model_for_embeddings_does_not_generate(http: httpx.Client) -> None:
    reply = http.post("/api/generate", json={"model": "minilm:l6", "prompt": "x"})
    expected = SHAPES["generate_on_embed_model"]
    assert reply.status_code == expected["status"]
    assert reply.json()["error"] == expected["body"]["error"].replace("minilm", "minilm:l6")


@pytest.mark.parametrize(
    ("name", "method", "path"),
    [("err_404_path", "GET", "/api/nope"), ("err_405", "GET", "/api/generate")],
)
def test_wrong_paths(http: httpx.Client, name: str, method: str, path: str) -> None:
    """Ollama's words, in the one shape of all other errors; Ollama itself sends bare text."""
    reply = http.request(method, path)
    assert reply.status_code == SHAPES[name]["status"]
    assert reply.json() == {"error": SHAPES[name]["body"]}
    assert reply.status_code != 405 or reply.headers["allow"] == "POST"


def test_lists_have_ollamas_shape(http: httpx.Client) -> None:
    for name in ("tags", "ps"):
        found = http.get(f"/api/{name}").json()
        expected = SHAPES[name]["body"]["models"][0]
        for entry in found["models"]:
            assert entry.keys() == expected.keys()
            assert entry["details"].keys() == expected["details"].keys()
    assert shape(http.get("/api/version").json()) == SHAPES["version"]["body"]
    assert http.get("/").text == SHAPES["root"]["body"]
    assert http.head("/").status_code == 200
    shown = http.post("/api/show", json={"model": "text"}).json()
    assert SHAPES["show_tiny"]["body"].keys() <= shown.keys()


# -------------------------------------------------------- the official client


def test_generate_is_reproducible_and_streams_the_same(client: ollama.Client) -> None:
    whole = client.generate(model="text", prompt="the land of order", options=OPTIONS)
    again = client.generate(model="text", prompt="the land of order", options=OPTIONS)
    stream = client.generate(model="text", prompt="the land of order", options=OPTIONS, stream=True)
    pieces = list(stream)
    assert whole.response == again.response == "".join(piece.response for piece in pieces)
    assert (whole.model, whole.done_reason, whole.eval_count) == ("tiny:random", "length", 8)
    assert [piece.done for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    assert whole.context is not None
    assert len(whole.context) == (whole.prompt_eval_count or 0) + 8


def test_context_continues_an_exchange(client: ollama.Client) -> None:
    first = client.generate(model="text", prompt="one", options=OPTIONS)
    second = client.generate(model="text", prompt="two", context=first.context, options=OPTIONS)
    assert first.context is not None
    assert second.context is not None
    assert list(second.context[: len(first.context)]) == list(first.context)


def test_chat(client: ollama.Client) -> None:
    messages = [{"role": "user", "content": "hello"}]
    reply = client.chat(model="text", messages=messages, options=OPTIONS)
    pieces = client.chat(model="text", messages=messages, options=OPTIONS, stream=True)
    assert reply.message.role == "assistant"
    assert reply.message.content == "".join(piece.message.content or "" for piece in pieces)


def test_options_are_honoured(client: ollama.Client) -> None:
    plain = client.generate(model="text", prompt="x", options={**OPTIONS, "num_predict": 40})
    stop = plain.response[10]
    stopped = client.generate(
        model="text", prompt="x", options={**OPTIONS, "num_predict": 40, "stop": [stop]}
    )
    assert plain.eval_count == 40
    assert stopped.response == plain.response.split(stop)[0]
    assert stopped.done_reason == "stop"
    hot = {"temperature": 5.0, "num_predict": 40}
    drawn = {
        client.generate(model="text", prompt="x", options={**hot, "seed": seed}).response
        for seed in (1, 1, 2)
    }
    assert len(drawn) == 2


def test_a_format_forces_the_answer_into_its_grammar(client: ollama.Client) -> None:
    schema = {"enum": ["rain", "sun"]}
    reply = client.generate(model="text", prompt="x", format=schema, options=OPTIONS)
    assert json.loads(reply.response) in schema["enum"]


def test_a_long_chat_keeps_its_last_turn(http: httpx.Client) -> None:
    turns = [{"role": "user", "content": f"{n} " + "b" * 500} for n in range(8)]
    body = {"model": "text", "messages": turns, "options": OPTIONS, "stream": False}
    assert http.post("/api/chat", json=body).json()["prompt_eval_count"] <= 2047
    refused = http.post("/api/chat", json={**body, "truncate": False})
    assert (refused.status_code, refused.json()) == (400, SHAPES["oversize_chat_notrunc"]["body"])


def test_embeddings_mean_something(client: ollama.Client) -> None:
    texts = ["a cat sits on the mat", "a kitten on a rug", "interest rates rose", "Crème brûlée"]
    reply = client.embed(model="embeddings", input=[*texts, "creme brulee"])
    vectors = np.array(reply.embeddings)
    assert vectors.shape == (5, 384)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-4)
    close = vectors @ vectors.T
    assert close[0, 1] > close[0, 2] + 0.2
    assert close[3, 4] > 0.99, "accents must not turn a word into an unknown token"


def test_long_texts_are_cut_and_keep_their_order(client: ollama.Client) -> None:
    long = "rain " * 3000
    reply = client.embed(model="embeddings", input=["sun", long, "moon"])
    alone = [client.embed(model="embeddings", input=text).embeddings[0] for text in ("sun", "moon")]
    np.testing.assert_allclose(reply.embeddings[0], alone[0], atol=1e-3)
    np.testing.assert_allclose(reply.embeddings[2], alone[1], atol=1e-3)


def test_models_are_listed_under_their_own_names(client: ollama.Client) -> None:
    assert {model.model for model in client.list().models} == {"tiny:random", "minilm:l6"}
    assert {model.model for model in client.ps().models} == {"tiny:random", "minilm:l6"}
    with pytest.raises(ollama.ResponseError) as caught:
        client.generate(model="nope", prompt="x")
    assert caught.value.status_code == 404


# ------------------------------------------------------------------ routing


def test_the_engine_confirms_what_the_router_expects(http: httpx.Client) -> None:
    prompt = "6021 " + "the rain follows the river " * 12
    body = {**TEXT, "prompt": prompt, "stream": False, "raw": True}
    http.post("/api/generate", json=body)
    again = http.post("/api/generate", json=body)
    longer = http.post("/api/generate", json={**body, "prompt": prompt + "to the harbour"})
    for reply, kind in ((again, "exact"), (longer, "prefix")):
        number = reply.headers["x-request-number"]
        (attempt,) = http.get("/api/lab/decisions", params={"request": number}).json()
        counted = reply.json()["prompt_eval_cached_count"]
        assert attempt["kind"] == kind
        assert attempt["cached_tokens"] == counted
        assert attempt["reusable_tokens"] <= counted < attempt["reusable_tokens"] + 16


def test_engines_are_listed_for_the_lab(http: httpx.Client, tiny_llm: LLM) -> None:
    nodes = {node["node_id"]: node for node in http.get("/api/lab/engines").json()}
    assert nodes.keys() == {facts.node_id for facts in tiny_llm.engines}
    for facts in tiny_llm.engines:
        node = nodes[facts.node_id]
        assert (node["model"], node["capability"]) == (facts.model, facts.capability)
        assert (node["alive"], node["random_weights"]) == (True, facts.random_weights)
    assert http.get("/api/lab/decisions", params={"limit": "x"}).status_code == 400


def test_more_requests_than_slots_wait_for_room(http: httpx.Client) -> None:
    bodies = [{**TEXT, "prompt": f"{n} wait", "stream": False} for n in range(7)]
    with ThreadPoolExecutor(7) as pool:
        replies = list(pool.map(lambda body: http.post("/api/generate", json=body), bodies))
    assert [reply.status_code for reply in replies] == [200] * 7
    assert all(node["active"] == 0 for node in http.get("/api/lab/engines").json())


@contextmanager
def standing_still(engines: LLM, node_id: str) -> Iterator[None]:
    """An engine that takes requests but does not answer."""
    engines.pause(node_id)
    try:
        yield
    finally:
        engines.resume(node_id)


def test_one_request_too_many_is_rejected_with_retry_after(tiny_llm: LLM) -> None:
    gateway, node = Gateway(tiny_llm.text[:1], max_active=1), tiny_llm.text[0].node_id
    with (
        gateway.serve() as url,
        httpx.Client(base_url=url, timeout=PATIENCE_S) as http,
        ThreadPoolExecutor(3) as pool,
    ):
        with standing_still(tiny_llm, node):
            asked = [pool.submit(http.post, "/api/generate", json=TEXT) for _ in range(2)]
            rejected = next(as_completed(asked)).result()
            assert rejected.status_code == SHAPES["err_max_queue"]["status"]
            assert rejected.json().keys() == {"error"}
            assert int(rejected.headers["retry-after"]) >= 1
            gateway.max_active = 2
            admitted = pool.submit(http.post, "/api/generate", json=TEXT)
        assert sorted(future.result().status_code for future in asked) == [200, 503]
        assert admitted.result().status_code == 200


def test_the_official_client_raises_a_rejection(tiny_llm: LLM) -> None:
    gateway, node = Gateway(tiny_llm.text[:1], max_active=1), tiny_llm.text[0].node_id
    with (
        gateway.serve() as url,
        ollama.Client(host=url, timeout=PATIENCE_S) as client,
        ThreadPoolExecutor(2) as pool,
    ):
        with standing_still(tiny_llm, node):
            asked = [pool.submit(client.generate, "text", "x", options=OPTIONS) for _ in range(2)]
            error = next(as_completed(asked)).exception()
        assert isinstance(error, ollama.ResponseError)
        assert error.status_code == 503
        assert "server busy, please try again" in error.error


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_goes_away_frees_its_place(tiny_llm: LLM, stream: bool) -> None:
    endless = {**TEXT, "stream": stream, "options": {**OPTIONS, "num_predict": 1500}}
    gateway = Gateway(tiny_llm.text[:1], max_active=1)
    with gateway.serve() as url, httpx.Client(base_url=url, timeout=PATIENCE_S) as http:
        if stream:
            with http.stream("POST", "/api/generate", json=endless) as reply:
                next(reply.iter_lines())
        else:
            with pytest.raises(httpx.ReadTimeout):
                http.post("/api/generate", json=endless, timeout=0.1)
        wait_until(lambda: http.post("/api/generate", json=TEXT).status_code == 200, "room again")
        assert http.get("/api/lab/decisions").json()[0]["outcome"] == "cancelled"


def test_a_stopped_engine_does_not_hold_up_the_list_of_models(
    tiny_llm: LLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "DETAILS_S", 0.2)
    engine = tiny_llm.text[0]
    with Gateway([engine]).serve() as url, httpx.Client(base_url=url, timeout=PATIENCE_S) as http:
        tiny_llm.pause(engine.node_id)
        try:
            (listed,) = http.get("/api/tags").json()["models"]
        finally:
            tiny_llm.resume(engine.node_id)
        assert listed["name"].partition(":")[0] == engine.model.partition(":")[0]


def test_a_client_that_never_reads_its_stream_frees_its_place(tiny_llm: LLM) -> None:
    body = json.dumps({**TEXT, "options": {**OPTIONS, "num_predict": 400}}).encode()
    head = b"POST /api/generate HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
    gateway = Gateway(tiny_llm.text[:1], max_active=1)
    with (
        gateway.serve() as url,
        socket.create_connection(("127.0.0.1", urlsplit(url).port or 0), PATIENCE_S) as client,
        httpx.Client(base_url=url, timeout=PATIENCE_S) as http,
    ):
        client.sendall(head % len(body) + body)
        assert client.recv(1)  # and nothing more
        wait_until(lambda: http.post("/api/generate", json=TEXT).status_code == 200, "room again")


# ------------------------------------------------------- Ollama as an engine


def test_an_ollama_server_is_an_engine_like_any_other(tiny_llm: LLM, url: str) -> None:
    """The gateway itself plays the Ollama server here: it speaks the same protocol."""
    text, embeddings = tiny_llm.text[0], tiny_llm.embeddings[0]
    behind = [replace(facts, kind="ollama", url=url) for facts in (text, embeddings)]
    with (
        Gateway(behind).serve() as front,
        ollama.Client(host=front, timeout=PATIENCE_S) as client,
        ollama.Client(host=url, timeout=PATIENCE_S) as direct,
        httpx.Client(base_url=front, timeout=PATIENCE_S) as http,
    ):
        for ask in (client, direct):
            assert len(list(ask.generate("text", "sun", options=OPTIONS, stream=True))) > 1
        messages = [{"role": "user", "content": "hello"}]
        replies = [a.chat("text", messages, options=OPTIONS) for a in (client, direct)]
        assert replies[0].message.content == replies[1].message.content
        raw = {**TEXT, "raw": True, "stream": False}
        counted = http.post("/api/generate", json=raw).json()
        assert counted["prompt_eval_cached_count"] is None, "the official client does not say"
        assert counted["prompt_eval_count"] == len(TEXT["prompt"]) + 1, "and one that begins it"
        embedded = [a.embed("embeddings", ["sun", "moon"]).embeddings for a in (client, direct)]
        np.testing.assert_allclose(embedded[0], embedded[1], atol=1e-5)
        too_long = http.post("/api/generate", json={**raw, "prompt": LONG, "truncate": False})
        assert too_long.status_code == 400
        assert "may be too long" in too_long.json()["error"]
        shown = client.show("text")
        assert shown.details is not None
        assert shown.details.parameter_size == direct.show("text").details.parameter_size  # type: ignore[union-attr]


# ------------------------------------------------------------------ metadata


def test_metadata_survive_a_restart_of_the_gateway(tiny_llm: LLM, folder: Path) -> None:
    body = {**TEXT, "prompt": "7733 " + "a letter under the lantern " * 8, "stream": False}
    session = {"X-Session-Id": "a/b|c:d"}
    with veristore.open(folder) as store, Gateway(tiny_llm.text, metadata=store).serve() as url:
        before = httpx.post(f"{url}/api/generate", json=body, headers=session, timeout=PATIENCE_S)
    with veristore.open(folder) as store:
        gateway = Gateway(tiny_llm.text, metadata=store)
        with gateway.serve() as url:
            exact = httpx.post(f"{url}/api/generate", json=body, timeout=PATIENCE_S)
            stays = httpx.post(
                f"{url}/api/generate", json=body, headers=session, timeout=PATIENCE_S
            )
            decisions = httpx.get(f"{url}/api/lab/decisions").json()
    assert gateway.restored == (1, 1)
    assert [d["kind"] for d in decisions] == ["exact", "session"]
    assert len({d["node_id"] for d in decisions}) == 1
    tokens = before.json()["prompt_eval_count"]
    assert exact.json()["prompt_eval_cached_count"] == tokens - 1
    assert stays.json()["response"] == before.json()["response"]


def test_metadata_that_name_an_unknown_node_are_ignored(tiny_llm: LLM, folder: Path) -> None:
    one, other = tiny_llm.text
    with veristore.open(folder) as store:
        with Gateway([other], metadata=store).serve() as url:
            httpx.post(f"{url}/api/generate", json={**TEXT, "stream": False}, timeout=PATIENCE_S)
        gateway = Gateway([one], metadata=store)
        with gateway.serve() as url:
            reply = httpx.post(
                f"{url}/api/generate", json={**TEXT, "stream": False}, timeout=PATIENCE_S
            )
            (decision,) = httpx.get(f"{url}/api/lab/decisions").json()
    assert gateway.restored == (0, 0)
    assert (reply.status_code, decision["kind"]) == (200, "miss")


def test_a_store_of_another_program_is_refused(tiny_llm: LLM, folder: Path) -> None:
    with veristore.open(folder) as store:
        store.put(b"llmcache/prefix/x", b"not ours")
        gateway = Gateway(tiny_llm.text, metadata=store)
        with pytest.raises(StoreCorrupt, match="not serving metadata"), gateway.serve():
            pytest.fail("it must not start")


def test_a_gateway_needs_engines_and_a_free_port(tiny_llm: LLM, url: str) -> None:
    with pytest.raises(InvalidInput, match="at least one engine"):
        Gateway([])
    taken = int(url.rpartition(":")[2])
    with (
        pytest.raises(PortUnavailable, match=f"port {taken}"),
        Gateway(tiny_llm.text).serve(taken),
    ):
        pytest.fail("the port is taken")
