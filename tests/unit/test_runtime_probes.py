"""What counts as an answer of a server, and what as silence."""

from __future__ import annotations

import os
import socket
import sys
import threading
from pathlib import Path

from tests.waiting import wait_until
from veristack_lab.runtime.listening import listen, url_of
from veristack_lab.runtime.probes import http_silence, postgres_silence, stopped
from veristack_lab.runtime.processes import spawn


def replying(listener: socket.socket, reply: bytes) -> threading.Thread:
    def once() -> None:
        client, _ = listener.accept()
        with client:
            client.recv(65536)
            client.sendall(reply)

    thread = threading.Thread(target=once)
    thread.start()
    return thread


def test_any_http_status_is_an_answer() -> None:
    for reply in (b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 503 Busy\r\n\r\n"):
        with listen(0) as listener:
            server = replying(listener, reply)
            assert http_silence(url_of(listener)) == ""
            server.join()


def test_a_server_that_accepts_and_says_nothing_is_silent() -> None:
    with listen(0) as listener:  # as if stopped: the system accepts for it
        assert http_silence(url_of(listener), 0.05) == "no HTTP reply within 0.05 s"
    assert http_silence(url_of_closed()).startswith("no HTTP reply: ")


def url_of_closed() -> str:
    with listen(0) as listener:
        return url_of(listener)


def test_a_server_that_speaks_something_else_is_silent() -> None:
    with listen(0) as listener:
        server = replying(listener, b"ERR what\n")
        assert http_silence(url_of(listener)).startswith("no HTTP reply: ")
        server.join()


def test_a_postgres_that_cannot_be_reached_is_silent() -> None:
    port = url_of_closed().rpartition(":")[2]
    assert "no new connection" in postgres_silence(f"host=127.0.0.1 port={port}")


def test_a_stopped_process_is_known(tmp_path: Path) -> None:
    argv = [sys.executable, "-S", "-c", "import time; time.sleep(600)"]
    with spawn(argv, name="part", log_path=tmp_path / "log") as child:
        assert stopped(child.pid) == ""
        child.pause()
        wait_until(lambda: stopped(child.pid))
        child.resume()
        wait_until(lambda: not stopped(child.pid))
        pid = child.pid
    assert stopped(pid) == ""
    assert stopped(os.getpid()) == ""
