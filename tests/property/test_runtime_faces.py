"""Whatever is sent to a face, it answers in its own shape: S3 and the gateway."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import http_faces, raw_http
from tests.thoroughness import sized
from veristack_lab import veristore
from veristack_lab.llmcache import Gateway
from veristack_lab.llmcache.facts import EngineFacts

FIELDS: dict[str, st.SearchStrategy[object]] = {
    "model": st.sampled_from(["m", "text", "embeddings"]),
    "prompt": st.text(),
    "input": st.text() | st.lists(st.text(), max_size=3),
    "stream": st.booleans(),
    "messages": st.just([{"role": "user", "content": "x"}]),
    "options": st.dictionaries(st.sampled_from(["seed", "num_predict"]), http_faces.LEAVES),
    "format": http_faces.VALUES,
    "keep_alive": http_faces.LEAVES,
    "context": st.lists(st.integers(), max_size=3),
}
GATEWAY_PATHS = [
    "/api/generate",
    "/api/chat",
    "/api/embed",
    "/api/embeddings",
    "/api/show",
    "/api/tags",
    "/api/lab/decisions",
    "/nothing",
]
DEAD = [
    EngineFacts("t", "llama.cpp", "http://127.0.0.1:1", "m", "text", 512, 1, 1, 0),
    EngineFacts("e", "llama.cpp", "http://127.0.0.1:1", "n", "embeddings", 512, 1, 1, 0),
]
EXAMPLES = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def s3_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("s3")
    with (
        veristore.open(folder / "store", durability="none") as store,
        veristore.s3.serve_in_thread(veristore.ObjectStore(store)) as url,
    ):
        http_faces.ask(url, "PUT", "/bucket", {}, b"")
        http_faces.ask(url, "PUT", "/bucket/key", {}, b"content")
        yield url


@pytest.fixture(scope="module")
def gateway_url() -> Iterator[str]:
    """A gateway whose engines are all dead: what is asked correctly gets 503."""
    with Gateway(DEAD).serve() as url:
        yield url


@EXAMPLES
@given(
    method=http_faces.METHODS,
    path=http_faces.paths(["/bucket/key", "/bucket", "/", "/other/key"]),
    headers=http_faces.HEADERS,
    body=http_faces.bodies({}),
)
def test_s3(s3_url: str, method: str, path: str, headers: dict[str, str], body: bytes) -> None:
    answer = http_faces.ask(s3_url, method, path, headers, body)
    http_faces.assert_owed(method, *answer, {"application/xml"})


@EXAMPLES
@given(
    method=http_faces.METHODS | st.just("POST"),
    path=http_faces.paths(GATEWAY_PATHS),
    headers=http_faces.HEADERS,
    body=http_faces.bodies(FIELDS),
)
def test_the_gateway(
    gateway_url: str, method: str, path: str, headers: dict[str, str], body: bytes
) -> None:
    status, found, content = http_faces.ask(gateway_url, method, path, headers, body)
    if status == 500:  # Ollama's own answer to an option of a wrong type
        assert b"option" in content or b"invalid format" in content
        status = 400
    http_faces.assert_owed(method, status, found, content, {"application/json"})


GOOD = (
    b"GET /api/tags HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /api/lab/health HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"POST /api/embed HTTP/1.1\r\nHost: localhost\r\nContent-Length: 24\r\n\r\n"
    b'{"model":"n","input":""}',
    b"POST /api/show HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'd\r\n{"model":"m"}\r\n0\r\n\r\n',
)


def test_nothing_below_http_makes_the_gateway_fail(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    sent = list(raw_http.conversations(7, sized(80, 2000), GOOD))
    with raw_http.hasty_connections(), Gateway(DEAD).serve() as url:

        def is_well() -> bool:
            return httpx.get(f"{url}/api/tags", trust_env=False).status_code == 200

        assert raw_http.faults(url, sent, {"application/json"}, is_well) == []
    assert [record.getMessage() for record in caplog.records] == []
