"""What the outer skin of an HTTP face lets in, and how it refuses the rest."""

from __future__ import annotations

import json
import logging
import socket
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from veristack_lab.runtime import serving
from veristack_lab.runtime.faces import Guard, Policy
from veristack_lab.runtime.origins import allows_host, allows_origin
from veristack_lab.runtime.plain_json import reason_against
from veristack_lab.runtime.replies import problem_shape


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("localhost", True),
        ("LOCALHOST.:80", True),
        ("bucket.localhost:9000", True),
        ("127.0.0.1:1", True),
        ("10.1.2.3", True),
        ("[::1]:80", True),
        ("lab.example:80", True),
        ("evil.example", False),
        ("localhost.evil.example", False),
        ("localhost@evil.example", False),
        ("evillocalhost", False),
        ("127.0.0.1.evil.example", False),
        ("", False),
        ("localhost:80:80", False),
        ("[::1", False),
    ],
)
def test_a_request_must_name_this_machine(host: str, allowed: bool) -> None:
    assert allows_host(host, {"lab.example"}) is allowed


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("http://localhost:8888", True),
        ("https://127.0.0.1", True),
        ("http://[::1]:8888", True),
        ("http://lab.example", True),
        ("http://evil.example", False),
        ("http://10.1.2.3", False),
        ("null", False),
        ("file://", False),
        ("", False),
        ("http://localhost@evil.example", False),
        ("http://[::1", False),
    ],
)
def test_a_page_of_another_site_may_not_call(origin: str, allowed: bool) -> None:
    assert allows_origin(origin, {"lab.example"}) is allowed


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"a": [1, 2.5, "\\ud83d\\ude00", null, true]}', None),
        (b"not JSON", None),
        (b"[" * 64 + b"]" * 64, None),
        (b"[" * 65 + b"]" * 65, "64 deep"),
        (b"[" * 100_000, "64 deep"),
        (b"[NaN]", "NaN"),
        (b"[-Infinity]", "-Infinity"),
        (b"[1e999]", "too large"),
        (b"9" * 301, "300 digits"),
        (b'{"\\ud800": 1}', "surrogate"),
        (b'["a\\u0000"]', "U+0000"),
    ],
)
def test_what_a_layer_cannot_hold_is_refused(body: bytes, reason: str | None) -> None:
    found = reason_against(body)
    assert (found is None) if reason is None else (found is not None and reason in found)


async def _length(request: Request) -> Response:
    return JSONResponse(len(await request.body()))


async def _fail(_: Request) -> Response:
    raise OSError("a secret of the disk")


def _app() -> Starlette:
    app = Starlette(
        routes=[Route("/length", _length, methods=["POST"]), Route("/fail", _fail)],
    )
    app.add_middleware(Guard, policy=Policy(problem_shape, max_body_bytes=1000))
    return app


def test_a_face_refuses_at_the_door(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    with serving.in_thread(_app(), name="face") as url, httpx.Client(base_url=url) as client:
        assert client.post("/length", json=[1]).json() == 3
        long = client.post("/length", content=b"a" * 1001)
        assert (long.status_code, long.json()["title"]) == (413, "BodyTooLarge")
        pieces = client.post("/length", content=iter([b"a" * 600] * 2))
        assert pieces.status_code == 413
        rebound = client.get("/fail", headers={"Host": "evil.example"})
        assert (rebound.status_code, rebound.json()["title"]) == (403, "HostRefused")
        foreign = client.post("/length", headers={"Origin": "null"})
        assert (foreign.status_code, foreign.json()["title"]) == (403, "OriginRefused")
        assert not caplog.records
        failed = client.get("/fail")
    assert failed.status_code == 500
    assert failed.headers["content-type"] == "application/problem+json"
    assert "secret" not in failed.text
    request_id = failed.headers["x-request-id"]
    assert failed.json()["request_id"] == request_id
    (record,) = caplog.records
    assert request_id in record.getMessage()
    assert record.exc_info is not None


def test_what_is_not_http_gets_an_answer_in_the_faces_shape() -> None:
    answer = b""
    with (
        serving.in_thread(_app(), name="face", shape=problem_shape) as url,
        socket.create_connection(("127.0.0.1", urlsplit(url).port or 0), 30) as client,
    ):
        client.sendall(b"PUT \x00\r\n\r\n")
        while piece := client.recv(4096):
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in head
    assert json.loads(body)["title"] == "BadRequest"
