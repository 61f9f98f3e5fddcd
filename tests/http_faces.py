"""Strange requests, and what every HTTP face owes them: an answer in its own shape."""

from __future__ import annotations

import http.client
import json
from urllib.parse import urlsplit

from hypothesis import strategies as st

TIMEOUT_S = 60.0
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.just(10**400),
    st.floats(),
    st.text(),
    st.just("\ud800"),
    st.just("a\0b"),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner)),
    max_leaves=8,
)
STRANGE_BODIES = [
    b"",
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b'{"parameters": ' + b"[" * 70 + b"]" * 70 + b"}",
    b"9" * 5000,
    b'{"seed": ' + b"9" * 5000 + b"}",
    b'{"a": NaN, "b": -Infinity, "c": 1e999}',
    b'"\\ud800"',
    b"\xff\xfe{}",
    b"\xef\xbb\xbf{}",
    b"\0" * 10,
]
METHODS = st.sampled_from(
    ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"]
)
STRANGE_QUERIES = [
    "",
    "?",
    "?limit=-1",
    "?limit=" + "9" * 50,
    "?limit=NaN",
    "?q=%00",
    "?k=1e9",
    "?limit=" + "9" * 5000,
    "?request=" + "9" * 30,
]
HEADERS = st.sampled_from(
    [
        {},
        {"Content-Type": "application/json"},
        {"Content-Type": "text/plain"},
        {"Content-Type": "multipart/form-data"},
        {"Content-Encoding": "gzip"},
        {"Idempotency-Key": "\xe9\x7f"},
        {"X-Session-Id": "s" * 300},
        {"Origin": "null"},
        {"Origin": "http://evil.example"},
        {"Host": "evil.example"},
        {"Expect": "100-continue"},
        {"Upgrade": "websocket", "Connection": "Upgrade"},
        {"Range": "bytes=9-1"},
    ]
)


def bodies(fields: dict[str, st.SearchStrategy[object]]) -> st.SearchStrategy[bytes]:
    """Bodies for a face: strange bytes, any JSON, and objects with its own fields."""
    objects = st.fixed_dictionaries({}, optional={k: v | VALUES for k, v in fields.items()})
    texts = (objects | VALUES).map(lambda value: json.dumps(value).encode())
    return st.sampled_from(STRANGE_BODIES) | texts | st.binary(max_size=60)


def paths(known: list[str]) -> st.SearchStrategy[str]:
    """Paths and queries: those of the face, and others."""
    segment = st.text(st.characters(codec="ascii", exclude_characters=" #?\r\n\t"), max_size=6)
    strange = st.sampled_from(["/..%2f..", "//", "/%00", "/%ff", "/" + "a" * 3000, "/%ed%a0%80"])
    path = st.sampled_from(known) | strange | segment.map(lambda text: "/" + text)
    printable = path.filter(lambda text: text.isprintable())
    return st.tuples(printable, st.sampled_from(STRANGE_QUERIES)).map("".join)


def ask(
    url: str, method: str, path: str, headers: dict[str, str], body: bytes
) -> tuple[int, http.client.HTTPMessage, bytes]:
    """One request on a connection of its own. Raises `TimeoutError` if there is no answer."""
    parts = urlsplit(url)
    assert parts.hostname
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=TIMEOUT_S)
    try:
        connection.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            connection.putheader(name, value.encode("latin-1"))
        connection.endheaders()
        try:
            connection.send(body)
        except (BrokenPipeError, ConnectionResetError):
            pass_over = True  # it was refused by its head; the answer is there to be read
            assert pass_over
        reply = connection.getresponse()
        return reply.status, reply.headers, reply.read()
    finally:
        connection.close()


def assert_owed(
    method: str, status: int, headers: http.client.HTTPMessage, body: bytes, kinds: set[str]
) -> None:
    """What holds for every answer: no traceback, and errors in one of the face's types."""
    assert b"Traceback" not in body
    assert b'File "' not in body
    assert status != 500, body
    if status >= 400 and status != 499 and (body or "content-type" in headers):
        assert headers.get_content_type() in kinds, (headers.as_string(), body[:200])
    if status >= 400 and body and any("json" in kind for kind in kinds):
        assert json.loads(body)
    if status == 405:
        assert headers.get("allow"), headers.as_string()
