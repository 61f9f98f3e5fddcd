"""The line protocol, over TCP and from a pipe; whatever comes in, the server stays."""

from __future__ import annotations

import errno
import resource
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import veristack_lab.veristore as veristore
from tests.faulty_disk import FailingDisk
from tests.waiting import PATIENCE_S
from veristack_lab.errors import InvalidInput
from veristack_lab.runtime.processes import Child, spawn, wait_until_ready
from veristack_lab.veristore.commit.durability import name_of, parse_durability
from veristack_lab.veristore.kv import open_store
from veristack_lab.veristore.line.commands import MAX_LINE_BYTES, execute, execute_by_length

EMPTY_KEY = b"FAIL the key has 0 bytes; keys are 1 to 65,536 bytes"
CONVERSATION = [
    ("PUT a 1", "OK"),
    ("put a two  words ", "OK"),
    ("GET a", "VALUE two  words "),
    ("GET b", "NOT_FOUND"),
    ("SIZE", "SIZE 1"),
    ("DEL a", "OK"),
    ("DEL a", "NOT_FOUND"),
    ("STATUS", "ROLE LEADER DURABILITY commit LSN 3 DURABLE 3 SNAPSHOT 0"),
    ("PING", "PONG"),
    ("FLUSH", "FLUSH_OK"),
    ("SNAP", "OK"),
    ("PUT", "ERR usage: PUT key value"),
    ("PUT a", "ERR usage: PUT key value"),
    ("PUT  x", "ERR usage: PUT key value"),
    ("PUT a ", "OK"),
    ("GET a", "VALUE "),
    ("GET", "ERR usage: GET key"),
    ("PING PONG", "ERR usage: PING"),
    ("HELLO", "ERR unknown command"),
    ("", "ERR empty command"),
    ("EXIT", "BYE"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Child, int]]:
    folder = tmp_path_factory.mktemp("served")
    log = folder / "log"
    command = [sys.executable, "-m", "veristack_lab", "store", "serve", folder / "s", "--port", "0"]
    with spawn(command, name="server", log_path=log) as child:
        wait_until_ready(child, lambda: b"listening on" in log.read_bytes())
        yield child, int(log.read_text().rpartition(":")[2])


def connect(server: tuple[Child, int]) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server[1]), timeout=PATIENCE_S)


def ask(connection: socket.socket, data: bytes) -> list[bytes]:
    """Send, say that nothing more comes, and read to the end."""
    connection.sendall(data)
    connection.shutdown(socket.SHUT_WR)
    received = b""
    while part := connection.recv(65536):
        received += part
    return received.splitlines()


def test_commands_and_their_replies(folder: Path) -> None:
    with veristore.open(folder / "s") as store:
        for line, reply in CONVERSATION:
            assert execute(store, line.encode()) == reply, line
        assert execute(store, b"GET a\r") == "VALUE "
        assert execute(store, b"GET \xff") == "ERR the line is not UTF-8"
        store.put(b"k", b"a\nb")
        assert execute(store, b"GET k").startswith("ERR the value is 3 bytes")
        store.put(b"k", b"\xff")
        assert execute(store, b"GET k").startswith("ERR the value is 1 bytes")
        assert execute(store, b"PUT " + b"k" * 70_000 + b" v").startswith("FAIL the key has")
    assert execute(store, b"PUT k v").startswith("FAIL The store was closed")


def test_a_conversation_over_tcp(server: tuple[Child, int]) -> None:
    with connect(server) as connection:
        lines = "".join(f"{line}\n" for line, _ in CONVERSATION).encode()
        assert ask(connection, lines) == [reply.encode() for _, reply in CONVERSATION]


def test_nothing_a_client_sends_ends_the_server(server: tuple[Child, int]) -> None:
    with connect(server) as connection:
        assert ask(connection, b"\xff\xfe\nPUT half") == [b"ERR the line is not UTF-8"]
    with connect(server) as connection:
        connection.sendall(b"PUT k " + b"x" * (2 * MAX_LINE_BYTES))
        try:
            reply = connection.recv(100)
        except ConnectionResetError:
            reply = b""
        assert reply == b"" or reply.startswith(b"ERR the line is longer")
    connect(server).close()
    with connect(server) as connection:
        assert ask(connection, b"PING\n") == [b"PONG"]
    assert server[0].alive


def test_any_bytes_go_by_length(server: tuple[Child, int]) -> None:
    key, value = b"a key\nwith all\x00", bytes(range(256)) * 9000
    with connect(server) as connection:
        sent = b"PUTL %d %d\n%b%b\n" % (len(key), len(value), key, value)
        sent += b"getl %d\r\n%b\nPING\n" % (len(key), key)
        sent += b"DELL %d\n%b\n" % (len(key), key) * 2
        connection.sendall(sent + b"GETL %d\n%b\n" % (len(key), key))
        connection.shutdown(socket.SHUT_WR)
        received = b"".join(iter(lambda: connection.recv(1 << 20), b""))
    assert received == b"OK\nVALUE %d\n%b\nPONG\nOK\nNOT_FOUND\nNOT_FOUND\n" % (
        len(value),
        value,
    )


@pytest.mark.parametrize(
    ("sent", "replies"),
    [
        (b"PUTL 1\nPING\n", [b"ERR usage: PUTL length length"]),
        (b"PUTL 1 x\nPING\n", [b"ERR usage: PUTL length length"]),
        (b"GETL 70000\nPING\n", [b"ERR the length 70000 is over the limit of 65536"]),
        (b"PUTL 1 99999999\nPING\n", [b"ERR the length 99999999 is over the limit of 67108864"]),
        (b"PUTL 1 99999999999999\nPING\n", [b"ERR usage: PUTL length length"]),
        (b"GETL 1\nabPING\n", [b"ERR no newline stands behind what the lengths say"]),
        (b"PUTL 1 5\nkhalf", []),
        (
            b"PUTL 0 1\nv\nPING\n",
            [b"FAIL the key has 0 bytes; keys are 1 to 65,536 bytes", b"PONG"],
        ),
    ],
)
def test_lengths_that_cannot_be(
    server: tuple[Child, int], sent: bytes, replies: list[bytes]
) -> None:
    with connect(server) as connection:
        assert ask(connection, sent) == replies
    with connect(server) as connection:
        assert ask(connection, b"PING\n") == [b"PONG"]


@pytest.mark.parametrize(
    ("number", "reply"), [(errno.ENOSPC, "FAIL the disk has no room"), (errno.EIO, "FAIL the disk")]
)
def test_a_failing_disk_is_told_and_reads_go_on(folder: Path, number: int, reply: str) -> None:
    disk = FailingDisk("pwrite", number)
    with open_store(folder / "s", disk=disk) as store:
        assert execute(store, b"PUT k v") == "OK"
        disk.armed = True
        assert execute(store, b"PUT k w").startswith(reply)
        disk.armed = False
        assert execute(store, b"PUT k w").startswith("FAIL an earlier write failed")
        assert execute_by_length(store, b"PUTL 1 1", (b"k", b"w")).startswith(b"FAIL an earlier")
        for command in (b"DEL k", b"SNAP"):
            assert execute(store, command).startswith("FAIL an earlier"), command
        assert execute(store, b"FLUSH") == "FLUSH_OK", "what was answered with OK is durable"
        assert execute(store, b"GET k") == "VALUE v"
        assert execute_by_length(store, b"GETL 1", (b"k",)) == b"VALUE 1\nv"


def test_flush_and_status_tell_the_level(folder: Path) -> None:
    with veristore.open(folder / "s", durability="none") as store:
        assert execute(store, b"PUT k v") == "OK"
        status = "ROLE LEADER DURABILITY none LSN 1 DURABLE"
        assert execute(store, b"STATUS") == f"{status} 0 SNAPSHOT 0"
        assert execute(store, b"FLUSH") == "FLUSH_OK"
        assert execute(store, b"STATUS") == f"{status} 1 SNAPSHOT 0"
        assert execute(store, b"SNAP") == "OK"
        assert execute(store, b"STATUS") == f"{status} 1 SNAPSHOT 1"


@pytest.mark.parametrize("word", ["commit", "none", "writes=5", "ms=20", "ms=0.5"])
def test_levels_have_names(word: str) -> None:
    assert name_of(parse_durability(word)) == word


@pytest.mark.parametrize("word", ["", "writes=", "writes=0", "ms=x", "ms=-1", "seconds=1"])
def test_words_that_are_no_level(word: str) -> None:
    with pytest.raises(InvalidInput):
        parse_durability(word)


def test_a_thousand_idle_connections(server: tuple[Child, int]) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    idle = [connect(server) for _ in range(1000)]
    try:
        with connect(server) as connection:
            assert ask(connection, b"PUT idle 1\nGET idle\n") == [b"OK", b"VALUE 1"]
    finally:
        for connection in idle:
            connection.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_many_clients_write_at_once(server: tuple[Child, int]) -> None:
    replies: list[list[bytes]] = []

    def client(number: int) -> None:
        with connect(server) as connection:
            lines = b"".join(b"PUT c%d-%d v\n" % (number, n) for n in range(50))
            replies.append(ask(connection, lines))

    threads = [threading.Thread(target=client, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert replies == [[b"OK"] * 50] * 16


def run(*arguments: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "veristack_lab", "store", *map(str, arguments)],
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_shell_reads_a_pipe(folder: Path) -> None:
    done = run("shell", folder / "s", given="PUT a hello world\n\nGET a\nEXIT\nPUT b no\n")
    assert (done.stdout, done.stderr, done.returncode) == ("OK\nVALUE hello world\nBYE\n", "", 0)
    assert run("shell", folder / "s", given="SIZE\n").stdout == "SIZE 1\n"
    by_length = run("shell", folder / "s", given="PUTL 1 3\nbx\ny\nGETL 1\nb\nGETL b\nSIZE\n")
    assert by_length.stdout == "OK\nVALUE 3\nx\ny\nERR usage: GETL length\n"


def test_commands_of_the_command_line(folder: Path) -> None:
    path = folder / "s"
    missing = run("get", path, "k")
    assert missing.returncode == 1
    assert "NotAStore" in missing.stderr
    assert not path.exists(), "looking makes no store"
    assert run("put", path, "k", "v a l").stdout == "OK lsn=1\n"
    assert run("get", path, "k").stdout == "v a l"
    absent = run("get", path, "nope")
    assert (absent.returncode, absent.stdout, "no key 'nope'" in absent.stderr) == (1, "", True)
    assert "'k'" in run("scan", path).stdout
    stats = run("stats", path).stdout
    assert "keys                  1" in stats
    assert "closed cleanly        yes" in stats
    assert run("delete", path, "k").stdout.startswith("OK lsn=")
    assert run("checkpoint", path).stdout.startswith("OK snapshot")
    with veristore.open(path):
        locked = run("stats", path)
        assert locked.returncode == 1
        assert "StoreLocked" in locked.stderr
