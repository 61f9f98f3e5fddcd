"""Clients that do not read, do not stop, or are browsers: the server ends, and writes nothing."""

from __future__ import annotations

import asyncio
import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import veristack_lab.veristore as veristore
from veristack_lab.runtime.listening import listen
from veristack_lab.veristore import Store
from veristack_lab.veristore.line import server
from veristack_lab.veristore.line.commands import other_protocol

ENDS_WITHIN_S = 60
"""A server that its clients keep alive never ends; a loaded machine is only slow."""


class Served:
    """A line server in a thread, and how to tell it to stop."""

    def __init__(self, store: Store) -> None:
        self._listener = listen(0)
        self.port: int = self._listener.getsockname()[1]
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=asyncio.run, args=(self._run(store),), daemon=True)
        self._thread.start()
        self._ready.wait()

    async def _run(self, store: Store) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        lines = server.LineServer(store, self._listener)
        await lines.run(self._stop, lambda _: self._ready.set())

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=ENDS_WITHIN_S)

    def ends(self) -> bool:
        """Tell it to stop; whether it does."""
        assert self._loop is not None
        assert self._stop is not None
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(ENDS_WITHIN_S)
        return not self._thread.is_alive()


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    with veristore.open(folder / "s") as opened:
        yield opened


@contextmanager
def serving(store: Store) -> Iterator[Served]:
    served = Served(store)
    yield served
    assert served.ends()


def until(condition: Callable[[], bool]) -> None:
    ends_s = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < ends_s, "it did not come to that"
        threading.Event().wait(0.005)


def received_of(connection: socket.socket) -> bytes:
    received = b""
    while part := connection.recv(1 << 16):
        received += part
    return received


def test_a_client_that_never_reads_does_not_keep_the_server(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "STOP_LIMIT_S", 0.2)
    store.put(b"big", b"v" * (32 << 20))
    with serving(store) as served, served.connect() as client:
        client.sendall(b"GETL 3\nbig\n")
        assert client.recv(1, socket.MSG_PEEK) == b"V", "the reply is on its way"
        assert served.ends()


def test_a_client_that_never_stops_sending_does_not_keep_the_server(store: Store) -> None:
    with serving(store) as served, served.connect() as client:
        client.sendall(b"PUT started 1\n")

        def flood() -> None:
            try:
                while True:
                    client.sendall(b"PUT k v\n" * 500)
            except OSError:
                return  # the server has hung up

        def drain() -> None:
            try:
                while client.recv(1 << 16):
                    pass
            except OSError:
                return

        threads = [threading.Thread(target=flood), threading.Thread(target=drain)]
        for thread in threads:
            thread.start()
        until(lambda: store.get(b"k") == b"v")
        assert served.ends()
        for thread in threads:
            thread.join()


def test_a_command_under_way_is_finished_and_answered(store: Store) -> None:
    with serving(store) as served, served.connect() as client:
        with store._commit.exclusive():  # the put waits for its turn
            client.sendall(b"PUT k v\nPUT later v\n")
            until(lambda: len(store._commit._queue) == 1)
            assert served._loop is not None
            assert served._stop is not None
            served._loop.call_soon_threadsafe(served._stop.set)
        assert received_of(client) == b"OK\n", "and no further one is begun"
        assert served.ends()
    assert (store.get(b"k"), store.get(b"later")) == (b"v", None)


@pytest.mark.parametrize("method", ["POST", "PUT", "GET", "OPTIONS"])
def test_a_browsers_request_executes_nothing(store: Store, method: str) -> None:
    store.put(b"/", b"secret")
    with serving(store) as served, served.connect() as raw:
        client = http.client.HTTPConnection("127.0.0.1", served.port)
        client.sock = raw
        headers = {"Content-Type": "text/plain", "Origin": "http://page.example"}
        client.request(method, "/", body=b"PUT hacked yes\nDEL /\n" * 1000, headers=headers)
        replies = received_of(raw).splitlines()
        assert len(replies) == 1, "one clear reply, and the connection is closed"
        assert replies[0].startswith(b"ERR this is HTTP")
        with served.connect() as other:
            other.sendall(b"GET hacked\nGET /\nEXIT\n")
            assert received_of(other) == b"NOT_FOUND\nVALUE secret\nBYE\n"


@pytest.mark.parametrize(
    ("line", "other"),
    [
        (b"POST / HTTP/1.1\r", "HTTP"),
        (b"get /a?b=c http/1.0", "HTTP"),
        (b"PRI * HTTP/2.0\r", "HTTP"),
        (b"Host: 127.0.0.1:9100\r", "HTTP"),
        (b"Content-Length:", "HTTP"),
        (b"\x16\x03\x01\x02\x00\x01\x00", "TLS"),
        (b"PUT page HTTP/1.1 is a protocol", ""),
        (b"PUT HTTP/1.1", ""),
        (b"PUT Host: x", ""),
        (b"PUT a b: c", ""),
        (b"GET Host:", ""),
        (b"PUTL 4 8", ""),
        (b"", ""),
    ],
)
def test_what_is_taken_for_another_protocol(line: bytes, other: str) -> None:
    assert (other in other_protocol(line)) if other else other_protocol(line) == ""
