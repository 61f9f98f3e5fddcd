"""Servers: ports that cannot be used, and an end that no client can put off."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

from tests.waiting import PATIENCE_S
from veristack_lab.errors import PortUnavailable
from veristack_lab.runtime import listening, serving
from veristack_lab.runtime.listening import listen, port_of
from veristack_lab.runtime.processes import spawn, wait_until_ready

GET = b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"
LIMIT_S = 60.0
"""Far above every grace, for a machine under load; without a limit it would be for ever."""


@pytest.mark.parametrize("port", [-1, 65_536, 70_000, 10**30])
def test_what_is_not_a_port_is_said(port: int) -> None:
    with pytest.raises(PortUnavailable, match=f"port {port} is not a port"):
        listen(port)


def test_a_taken_port_is_said() -> None:
    with listen(0) as first, pytest.raises(PortUnavailable, match="Address already in use"):
        listen(port_of(first))


def test_connections_send_at_once() -> None:
    with listen(0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize(
    "command",
    [
        ["s3", "serve", "{folder}"],
        ["store", "serve", "{folder}"],
        ["gateway", "serve", "--metadata", "{folder}"],
        ["jobs", "serve", "{folder}"],
        ["ingest", "serve", "--folder", "{folder}"],
    ],
    ids=lambda command: command[0],
)
def test_a_command_says_that_its_port_is_not_a_port(command: list[str], tmp_path: Path) -> None:
    arguments = [part.format(folder=tmp_path / "store") for part in command]
    argv = [sys.executable, "-m", "veristack_lab", *arguments, "--port", "70000"]
    with spawn(argv, name="serve", log_path=tmp_path / "log") as child:
        assert child.wait(LIMIT_S) == 1
        assert "PortUnavailable: port 70000 is not a port" in child.log_tail()
    assert not list((tmp_path / "store").glob("postgres*"))  # nothing was started before


async def _app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers after the body, and for ever below /endless."""

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65536

    request = Request(scope, receive)
    if request.url.path == "/endless":
        await StreamingResponse(endless())(scope, receive, send)
    else:
        await request.body()
        await PlainTextResponse("done")(scope, receive, send)


def _connected(url: str, text: bytes) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", urlsplit(url).port or 0), LIMIT_S)
    client.sendall(text)
    return client


def _idle(url: str) -> socket.socket:
    return _connected(url, b"")


def _half_a_head(url: str) -> socket.socket:
    return _connected(url, b"GET / HTTP/1.1\r\nHost: local")


def _half_a_body(url: str) -> socket.socket:
    return _connected(url, b"PUT /b/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nabc")


def _never_reads(url: str) -> socket.socket:
    client = _connected(url, b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert client.recv(1)
    return client


CLIENTS = [_idle, _half_a_head, _half_a_body, _never_reads]


@pytest.mark.parametrize("client", CLIENTS)
def test_a_thread_ends_whatever_its_clients_do(client: Callable[[str], socket.socket]) -> None:
    with ExitStack() as stack:
        with serving.in_thread(_app, name="face", grace_s=0.1) as url:
            stack.enter_context(client(url))
            assert httpx.get(url).text == "done"
            begun_s = time.monotonic()
        assert time.monotonic() - begun_s < LIMIT_S
    assert not [thread for thread in threading.enumerate() if thread.name == "face"]


def test_a_client_that_reads_nothing_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "UNREAD_S", 1.0)
    produced: list[int] = []
    ended = threading.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async def endless() -> AsyncIterator[bytes]:
            while True:
                produced.append(1 << 16)
                yield b"x" * (1 << 16)

        try:
            await StreamingResponse(endless())(scope, receive, send)
        finally:
            ended.set()

    with serving.in_thread(app, name="face") as url, _connected(url, GET % b"/"):
        assert ended.wait(PATIENCE_S), "the handler of a client that never reads goes on"
    assert sum(produced) < 32 << 20, "what the client does not read fills the server's memory"


def test_a_client_that_reads_slowly_is_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "UNREAD_S", 1.0)
    size = 24 << 20

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse(b"x" * size)(scope, receive, send)

    pause = threading.Event()
    with serving.in_thread(app, name="face") as url, _connected(url, GET % b"/") as client:
        begun_s, received = time.monotonic(), 0
        while received < size:
            part = client.recv(1 << 20)
            assert part, f"cut after {received} bytes"
            received += len(part)
            pause.wait(0.1)  # a slow reader: several limits pass in all
        assert time.monotonic() - begun_s > 2


def test_a_request_in_progress_is_finished() -> None:
    with ExitStack() as stack:
        with serving.in_thread(_app, name="face", grace_s=LIMIT_S) as url:
            client = stack.enter_context(_half_a_body(url))
            assert httpx.get(url).text == "done"  # so the other connection was accepted before
            sender = threading.Timer(0.2, client.sendall, [b"defghi"])
            sender.start()
        sender.join()
        assert client.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_what_lives_beside_a_server_fails_in_the_callers_thread() -> None:
    @asynccontextmanager
    async def broken() -> AsyncIterator[None]:
        raise PortUnavailable("no engine")
        yield

    with (
        pytest.raises(PortUnavailable, match="no engine"),
        serving.in_thread(_app, name="face", beside=broken),
    ):
        raise AssertionError("it does not answer")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_s3_server_ends_at_a_signal_whatever_its_clients_do(
    number: signal.Signals, tmp_path: Path
) -> None:
    argv = [sys.executable, "-m", "veristack_lab", "s3", "serve", str(tmp_path / "s"), "--port=0"]
    unsigned = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    log_path = tmp_path / "log"
    with spawn(argv, name="s3", log_path=log_path, env=unsigned) as server, ExitStack() as stack:
        wait_until_ready(server, lambda: "listening on" in server.log_tail(), LIMIT_S)
        url = server.log_tail().split("listening on ")[1].split()[0]
        httpx.put(f"{url}/b")
        size = 64 << 20
        put = f"PUT /b/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\n\r\n"
        stack.enter_context(_connected(url, put.encode() + b"x" * (3 << 20)))
        for client in CLIENTS[:3]:
            stack.enter_context(client(url))
        large = 24 << 20
        httpx.put(f"{url}/b/large", content=b"x" * large).raise_for_status()
        before = psutil.Process(server.pid).memory_info().rss
        for _ in range(4):  # none of them reads on
            assert stack.enter_context(_connected(url, GET % b"/b/large")).recv(1)
        assert httpx.get(url).status_code == 200
        assert psutil.Process(server.pid).memory_info().rss - before < large
        assert httpx.get(url).status_code == 200
        os.kill(server.pid, number)
        assert server.wait(LIMIT_S) == 0
        assert "Traceback" not in log_path.read_text()
