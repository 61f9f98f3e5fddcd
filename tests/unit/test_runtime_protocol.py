"""Bounds on a client's silence, in a loop whose time the test moves; and once over a socket."""

from __future__ import annotations

import errno
import json
import socket
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from veristack_lab.runtime import protocol, serving
from veristack_lab.runtime.protocol import PARTING_BYTES, PARTING_S, Protocol, protocol_class
from veristack_lab.runtime.replies import plain_shape

KEEP_ALIVE_S, HEAD_S, SILENCE_S = 75, 30.0, 60.0
HEAD = b"PUT /k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"


class Timer:
    def __init__(self, at_s: float, call: Callable[[], object]) -> None:
        self.at_s, self.call, self.is_cancelled = at_s, call, False

    def cancel(self) -> None:
        self.is_cancelled = True


class Task:
    def add_done_callback(self, _: object) -> None:
        """It never ends."""


class Loop:
    """What a protocol asks of an event loop. Tasks are kept and not run."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.tasks: list[Task] = []
        self._timers: list[Timer] = []

    def call_later(self, delay_s: float, call: Callable[[], object]) -> Timer:
        self._timers.append(Timer(self.now_s + delay_s, call))
        return self._timers[-1]

    def create_task(self, coroutine: Any, **_: object) -> Any:
        coroutine.close()
        self.tasks.append(Task())
        return self.tasks[-1]

    def pass_s(self, seconds: float) -> None:
        end_s = self.now_s + seconds
        while due := [t for t in self._timers if t.at_s <= end_s and not t.is_cancelled]:
            first = min(due, key=lambda timer: timer.at_s)
            self._timers.remove(first)
            self.now_s = first.at_s
            first.call()
        self.now_s = end_s


class Transport:
    """What a protocol does with a connection."""

    def __init__(self) -> None:
        self.written = b""
        self.has_ended = self.is_closed = self.is_cut = self.is_paused = False
        self.is_gone = False

    def get_extra_info(self, _: str) -> None:
        return None

    def write(self, data: bytes) -> None:
        self.written += data

    def write_eof(self) -> None:
        if self.is_gone:
            raise OSError(errno.ENOTCONN, "not connected")
        self.has_ended = True

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_closed = self.is_cut = True

    def is_closing(self) -> bool:
        return self.is_closed

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False

    def state(self) -> str:
        return "closed" if self.is_closed else "ended" if self.has_ended else "open"

    def status(self) -> int:
        return int(self.written.split()[1])


class Connection:
    """A protocol with its surroundings."""

    def __init__(self) -> None:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            raise AssertionError("tasks do not run here")

        self.loop, self.transport = Loop(), Transport()
        config = uvicorn.Config(
            app, lifespan="off", ws="none", log_config=None, timeout_keep_alive=KEEP_ALIVE_S
        )
        kind = protocol_class(plain_shape, head_s=HEAD_S, silence_s=SILENCE_S)
        self.protocol: Protocol = kind(config, ServerState(), {}, cast("Any", self.loop))
        self.protocol.connection_made(cast("Any", self.transport))


def test_a_connection_without_a_byte_is_closed() -> None:
    connection = Connection()
    connection.loop.pass_s(KEEP_ALIVE_S - 1)
    assert connection.transport.state() == "open"
    connection.loop.pass_s(1)
    assert connection.transport.state() == "closed"
    assert connection.transport.written == b""


def test_a_head_that_drips_is_refused_in_time() -> None:
    connection = Connection()
    for byte in b"GET / HTTP/1.1\r\nHost: loc":
        connection.protocol.data_received(bytes([byte]))
        connection.loop.pass_s(1)
    connection.loop.pass_s(HEAD_S)
    assert connection.transport.status() == 408
    body = connection.transport.written.partition(b"\r\n\r\n")[2]
    assert json.loads(body)["error"] == "RequestTimeout"
    assert connection.transport.has_ended


def test_a_head_that_comes_in_time_has_no_deadline_left() -> None:
    connection = Connection()
    connection.protocol.data_received(HEAD[:20])
    connection.loop.pass_s(HEAD_S - 1)
    connection.protocol.data_received(HEAD[20:])
    connection.loop.pass_s(SILENCE_S - 1)
    assert connection.transport.written == b""


def test_a_body_that_stops_is_refused() -> None:
    connection = Connection()
    connection.protocol.data_received(HEAD + b"abc")
    connection.loop.pass_s(2 * SILENCE_S)
    assert connection.transport.status() == 408
    assert connection.protocol.cycle.disconnected


def test_a_body_that_goes_on_is_not() -> None:
    connection = Connection()
    connection.protocol.data_received(HEAD)
    for byte in b"abcdefgh":
        connection.loop.pass_s(SILENCE_S - 1)
        connection.protocol.data_received(bytes([byte]))
    assert connection.transport.written == b""


def test_a_client_that_waits_for_us_is_not_cut() -> None:
    connection = Connection()
    connection.protocol.data_received(HEAD + b"abc")
    connection.protocol.flow.pause_reading()
    connection.loop.pass_s(10 * SILENCE_S)
    connection.protocol.flow.resume_reading()
    connection.loop.pass_s(SILENCE_S - 1)
    assert connection.transport.written == b""
    connection.loop.pass_s(2 * SILENCE_S)
    assert connection.transport.status() == 408

    waiting = Connection()
    waiting.protocol.data_received(HEAD.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
    waiting.loop.pass_s(10 * SILENCE_S)
    assert waiting.transport.written == b""


def test_a_reply_that_has_begun_gets_no_second_head() -> None:
    chunked = b"PUT /k HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    connection = Connection()
    connection.protocol.data_received(chunked)
    connection.protocol.cycle.response_started = True
    connection.protocol.data_received(b"zzz\r\n")
    assert connection.transport.written == b""
    assert connection.transport.is_cut


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (b"\x16\x03\x01\x02\x00\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nx: " + b"y" * 70_000, 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
    ],
)
def test_what_is_not_http_is_refused_and_the_rest_dropped(text: bytes, status: int) -> None:
    connection = Connection()
    connection.protocol.data_received(text)
    assert connection.transport.status() == status
    assert len(connection.transport.written) < 400  # it quotes nothing of what was sent
    assert connection.transport.state() == "ended"
    connection.protocol.data_received(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert not connection.loop.tasks  # what follows a refusal is not taken for a request
    connection.loop.pass_s(PARTING_S)
    assert connection.transport.state() == "closed"


def test_a_client_that_went_before_its_refusal() -> None:
    connection = Connection()
    connection.transport.is_gone = True
    connection.protocol.data_received(b"nonsense\r\n\r\n")
    assert connection.transport.is_cut


def test_a_refused_client_cannot_send_for_ever() -> None:
    connection = Connection()
    connection.protocol.data_received(b"nonsense\r\n\r\n")
    connection.protocol.data_received(b"x" * (PARTING_BYTES + 1))
    assert connection.transport.is_closed


def test_one_connection_too_many_is_refused() -> None:
    config = uvicorn.Config(_app, lifespan="off", ws="none", log_config=None)
    kind, state = protocol_class(plain_shape, max_connections=2), ServerState()
    transports = [Transport() for _ in range(3)]
    for transport in transports:
        kind(config, state, {}, cast("Any", Loop())).connection_made(cast("Any", transport))
    assert [transport.state() for transport in transports] == ["open", "open", "closed"]
    assert transports[2].status() == 503


async def _app(scope: Scope, receive: Receive, send: Send) -> None:
    try:
        await Request(scope, receive).body()
    except ClientDisconnect:
        return
    await PlainTextResponse("done")(scope, receive, send)


def test_over_a_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    def hasty(shape: Any, **_: int) -> type[Protocol]:
        return protocol_class(shape, head_s=0.05, silence_s=0.05)

    monkeypatch.setattr(serving, "protocol_class", hasty)
    with serving.in_thread(_app, name="face") as url:
        port = urlsplit(url).port or 0
        for text in (b"GET / HTTP/1.1\r\nHos", HEAD + b"abc"):
            with socket.create_connection(("127.0.0.1", port), 60) as client:
                client.sendall(text)
                reply = b"".join(iter(lambda: client.recv(4096), b""))
            assert reply.startswith(b"HTTP/1.1 408 "), reply
        with socket.create_connection(("127.0.0.1", port), 60) as client:
            client.sendall(b"\0" * 1_000_000 + b"\r\n\r\n")
            reply = b"".join(iter(lambda: client.recv(4096), b""))
        assert reply.startswith(b"HTTP/1.1 4"), reply
        assert httpx.get(url).text == "done"


def test_the_limits_that_are_served_are_positive() -> None:
    assert 0 < protocol.HEAD_S <= serving.KEEP_ALIVE_S
    assert protocol.SILENCE_S > 0
