"""A server without descriptors: it waits, says so once, and goes on."""

from __future__ import annotations

import asyncio
import errno
import logging
import resource
import socket
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.waiting import wait_until
from veristack_lab.runtime.descriptors import LackLog
from veristack_lab.runtime.processes import Child, spawn, wait_until_ready

LIMIT = 64
LIMITED = (
    "import resource, sys; "
    f"resource.setrlimit(resource.RLIMIT_NOFILE, ({LIMIT}, {LIMIT})); "
    "from veristack_lab.cli import main; sys.argv[0] = 'veristack'; main()"
)


def open_files(child: Child) -> int:
    return len(list(Path(f"/proc/{child.pid}/fd").iterdir()))


def answers(command: str, port: int) -> bool:
    if command == "s3":
        return httpx.get(f"http://127.0.0.1:{port}/", trust_env=False, timeout=60).is_success
    with socket.create_connection(("127.0.0.1", port), 60) as client:
        client.sendall(b"PING\n")
        return client.recv(100) == b"PONG\n"


@pytest.mark.parametrize("command", ["s3", "store"])
def test_a_server_goes_on_when_descriptors_are_free_again(command: str, tmp_path: Path) -> None:
    argv = [sys.executable, "-c", LIMITED, command, "serve", str(tmp_path / "s"), "--port", "0"]
    env = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    log_path = tmp_path / "log"
    with spawn(argv, name=command, log_path=log_path, env=env) as server:
        wait_until_ready(server, lambda: "listening on" in server.log_tail(), 60)
        port = int(server.log_tail().split("127.0.0.1:")[1].split()[0])
        assert answers(command, port)
        with ExitStack() as stack:
            for _ in range(LIMIT + 10):
                stack.enter_context(socket.create_connection(("127.0.0.1", port), 60))
            before = open_files(server)
            assert before <= LIMIT
        wait_until(lambda: open_files(server) < min(before, LIMIT / 2))
        assert answers(command, port)
    log = log_path.read_text()
    assert "Traceback" not in log
    assert log.count("connections wait") <= 1  # it may run short, for a moment


def test_other_failures_of_a_loop_are_told_as_ever(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    loop = asyncio.new_event_loop()
    lacks, lack = LackLog(), OSError(errno.EMFILE, "too many")
    with socket.socket() as listener:
        contexts: list[dict[str, Any]] = [
            {"message": "accept", "exception": error, "socket": listener}
            for error in (lack, lack, OSError(errno.EBADF, "bad"))
        ]
        contexts.append({"message": "a task failed", "exception": ValueError("x")})
        for context in contexts:
            lacks(loop, context)
    loop.close()
    told = [record.getMessage() for record in caplog.records]
    assert told[0] == "connections wait until others end: too many"
    assert [text.partition("\n")[0] for text in told[1:]] == ["accept", "a task failed"]


def test_the_limit_of_open_files_is_raised(tmp_path: Path) -> None:
    program = (
        "import resource as r; from veristack_lab.runtime.descriptors import allow_many; "
        "hard = r.getrlimit(r.RLIMIT_NOFILE)[1]; r.setrlimit(r.RLIMIT_NOFILE, (100, hard)); "
        "allow_many(); print('limit', r.getrlimit(r.RLIMIT_NOFILE)[0])"
    )
    with spawn([sys.executable, "-c", program], name="limit", log_path=tmp_path / "log") as child:
        assert child.wait(60) == 0
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    limit = int(child.log_tail().split()[-1])
    assert limit == (8192 if hard == resource.RLIM_INFINITY else min(8192, hard))
