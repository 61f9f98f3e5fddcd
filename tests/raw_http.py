"""Noise below HTTP: seeded bytes that are nearly requests, and what a server owes for them.

For each conversation the server sends whole replies of status 1xx to 4xx, 501 or 503, or it closes
the connection. It never sends a traceback, and it serves a good request afterwards.
"""

from __future__ import annotations

import random
import re
import socket
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.waiting import wait_until
from veristack_lab.runtime import serving
from veristack_lab.runtime.protocol import Protocol, protocol_class

TIMEOUT_S = 120.0
CLIENTS = 8
LIMIT_S = 0.3
"""The limits of `hasty_connections`: what a client does not send is not waited for longer."""
METHODS = ("GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "BREW", "get", "CONNECT", "G\0T", "")
VERSIONS = ("HTTP/1.1", "HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/11", "http/1.1", "", "HTTP/1.1 x")
TARGETS = (
    *("*", "//", "/%", "/%ff%fe", "/%00", "/..%2f..", "/%ed%a0%80", "/\xff\xfe", "/a b", "\\", ""),
    *("http://evil.example/", "/" + "a" * 70_000, "/?" + "&" * 5000, "/#x", "/b/\u2028", "/?a=%zz"),
)
LINES = (
    *("Host: evil.example", "Host:", "Host: localhost\r\nHost: localhost", ": x", "x", "x y: z"),
    *("Content-Length: -1", "Content-Length: 1e3", "Content-Length: 5, 5", "Content-Length: +5"),
    *("Content-Length: 99999999999999999999", "Content-Length: 3", "Content-Length: 0x5"),
    *("Content-Length: 5\r\nContent-Length: 6", "Transfer-Encoding: chunked"),
    *("Transfer-Encoding: gzip, chunked", "Transfer-Encoding: chunked, chunked"),
    *("Transfer-Encoding: chunked\r\nContent-Length: 4", "Transfer-Encoding:\tchunked"),
    *("Expect: 100-continue", "Expect: 200-maybe", "Connection: close", "Connection: upgrade"),
    *("Upgrade: h2c", "Upgrade: websocket", "x: " + "y" * 100_000, "\xff\xfe: \xff", "x: a\0b"),
    *("Range: bytes=-", "Authorization: AWS4-HMAC-SHA256 x", "Content-Encoding: aws-chunked"),
    *(" folded: line", "x:\r\n folded", "Date: never", "Content-Type: multipart/form-data"),
    *(
        "x-amz-decoded-content-length: -5",
        "x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    ),
)
BODIES = (
    *(
        b"",
        b"hello",
        b"0\r\n\r\n",
        b"5\r\nhello\r\n0\r\n\r\n",
        b"5;ext=1\r\nhello\r\n0\r\nx: y\r\n\r\n",
    ),
    *(
        b"zz\r\n",
        b"-1\r\n\r\n",
        b"fffffffffffffffff\r\nx",
        b"5\r\nhel",
        b"5\nhello\n0\n\n",
        b"\0" * 99,
    ),
    *(b"5\r\nhelloXX0\r\n\r\n", b"{", b"[" * 5000, b"<a><b></a>", b"GET / HTTP/1.1\r\n\r\n"),
)


def conversations(seed: int, count: int, good: Sequence[bytes]) -> Iterator[bytes]:
    """What a client sends on one connection, `count` times.

    Args:
        seed: decides all of it.
        good: requests that the face serves; some are sent with a few bytes changed.
    """
    rng = random.Random(seed)
    for _ in range(count):
        parts = [
            _changed(rng.choice(good), rng) if rng.random() < 0.4 else _composed(rng)
            for _ in range(rng.choice((1, 1, 1, 2, 3)))
        ]
        yield b"".join(parts)


def _composed(rng: random.Random) -> bytes:
    target = rng.choice((*TARGETS, "/", "/b", "/b/k"))
    line = " ".join((rng.choice(METHODS), target, rng.choice(VERSIONS[:2] * 6 + VERSIONS)))
    lines = ["Host: localhost", *rng.sample(LINES, rng.randrange(4))]
    rng.shuffle(lines)
    end = rng.choice(("\r\n", "\r\n", "\r\n", "\n", "\r"))
    head = end.join([line, *lines, "", ""]).encode(errors="surrogateescape")
    return head + rng.choice(BODIES)


def _changed(request: bytes, rng: random.Random) -> bytes:
    data = bytearray(request)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(4)
        if kind == 0:
            data[at : at + 1] = bytes([rng.randrange(256)])
        elif kind == 1:
            del data[at : at + rng.randrange(1, 20)]
        elif kind == 2:
            data[at:at] = data[at : at + rng.randrange(1, 200)]
        else:
            data[at:at] = rng.choice((b"\r\n", b"\0", b"\r\n\r\n", b"%", b" ", b":", b"\xff"))
    return bytes(data)


@contextmanager
def hasty_connections(limit_s: float = LIMIT_S) -> Iterator[None]:
    """Servers that start in the body wait for their clients for a moment only."""

    def hasty(shape: Any, **_: int) -> type[Protocol]:
        return protocol_class(shape, head_s=limit_s, silence_s=limit_s)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serving, "protocol_class", hasty)
        patch.setattr(serving, "KEEP_ALIVE_S", limit_s)
        yield


def reply_to(url: str, sent: bytes) -> bytes:
    """All that a server sends until it closes. Raises: TimeoutError if it does not."""
    reply = bytearray()
    with socket.create_connection(("127.0.0.1", urlsplit(url).port or 0), TIMEOUT_S) as client:
        try:
            client.sendall(sent)
            while part := client.recv(1 << 16):
                reply += part
        except (ConnectionResetError, BrokenPipeError):
            return bytes(reply)  # closed while something was on its way
    return bytes(reply)


def fault(sent: bytes, reply: bytes, kinds: set[str]) -> str:
    """What is wrong with what a server sent; empty if nothing is."""
    if b"Traceback (most recent" in reply or b'File "/' in reply:
        return "a traceback was sent"
    left, is_head = reply, sent.startswith(b"HEAD")
    while left:
        head, found, left = left.partition(b"\r\n\r\n")
        begun = re.match(rb"HTTP/1\.1 (\d{3}) ", head)
        if not found or begun is None:
            return f"this is not a reply: {head[:80]!r}"
        status = int(begun[1])
        if status >= 500 and status not in (501, 503):
            return f"status {status}"
        kind = re.search(rb"(?im)^content-type: *([^;\r\n]+)", head)
        if status >= 400 and kind is not None and kind[1].decode() not in kinds:
            return f"a refusal of type {kind[1]!r}"
        length = re.search(rb"(?im)^content-length: *(\d+)", head)
        if is_head or status < 200 or status in (204, 304):
            # Which of several requests was a HEAD is not followed: look for the next reply.
            left = left[max(0, left.find(b"HTTP/1.1 ")) :] if b"HTTP/1.1 " in left else b""
        elif length is not None:
            left = left[int(length[1]) :] if not _is_bodiless(left) else left
        else:
            return ""  # the body ends with the connection, or comes in chunks
    return ""


def _is_bodiless(rest: bytes) -> bool:
    return rest.startswith(b"HTTP/1.1 ")


def _serves(is_well: Callable[[], bool]) -> bool:
    try:
        return is_well()
    except httpx.TransportError:
        return False  # a hasty server has closed the connection before the request came


def faults(
    url: str, sent: Sequence[bytes], kinds: set[str], is_well: Callable[[], bool]
) -> list[tuple[bytes, str]]:
    """Every conversation that a server answered wrongly.

    Args:
        sent: the conversations; several go on at a time.
        kinds: content types of the face's refusals.
        is_well: asks for something good afterwards.
    """
    with ThreadPoolExecutor(CLIENTS) as clients:
        replies = list(clients.map(lambda text: reply_to(url, text), sent))
    wait_until(lambda: _serves(is_well), "a good request is served")
    found = [(s, fault(s, r, kinds)) for s, r in zip(sent, replies, strict=True)]
    return [(s[:300], words) for s, words in found if words]
