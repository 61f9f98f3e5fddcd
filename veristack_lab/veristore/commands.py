"""The line protocol: one command in, one reply out. Used by the server and the shell alike.

    PUT key value     OK                     the value is the rest of the line, spaces and all
    GET key           VALUE value | NOT_FOUND
    DEL key           OK | NOT_FOUND
    SIZE              SIZE n                 number of keys
    STATUS            ROLE LEADER            a store alone leads itself
    PING              PONG
    FLUSH             FLUSH_OK               nothing waits to be flushed: OK already meant durable
    SNAP              OK                     a checkpoint was written
    EXIT              BYE                    and the connection is closed

Anything else is answered by a line that begins with ERR; a write that failed by FAIL and the
reason. Lines are UTF-8 and end with a newline; a carriage return before it is dropped.
"""

from __future__ import annotations

from collections.abc import Callable

from veristack_lab.errors import StoreError
from veristack_lab.veristore.kv import Store

MAX_LINE_BYTES = 1024 * 1024
BYE = "BYE"


def execute(store: Store, line: bytes) -> str:
    """Do one command; never raises for what a client may send.

    Args:
        store: an open store.
        line: the command, without its newline.

    Returns:
        The reply, without a newline.
    """
    try:
        text = line.removesuffix(b"\r").decode()
    except UnicodeDecodeError:
        return "ERR the line is not UTF-8"
    verb, _, rest = text.partition(" ")
    found = _VERBS.get(verb.upper())
    if found is None:
        return "ERR unknown command" if verb else "ERR empty command"
    run, usage = found
    if ("key" in usage) != bool(rest.strip()):
        return f"ERR usage: {usage}"
    try:
        return run(store, rest)
    except StoreError as error:
        return f"FAIL {error}".replace("\n", " ")


def _put(store: Store, rest: str) -> str:
    key, space, value = rest.partition(" ")
    if not space or not key:
        return "ERR usage: PUT key value"
    store.put(key.encode(), value.encode())
    return "OK"


def _get(store: Store, rest: str) -> str:
    value = store.get(rest.strip().encode())
    if value is None:
        return "NOT_FOUND"
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return f"ERR the value is {len(value)} bytes that are not text"
    if "\n" in text or "\r" in text:
        return f"ERR the value is {len(value)} bytes of more than one line"
    return f"VALUE {text}"


def _delete(store: Store, rest: str) -> str:
    key = rest.strip().encode()
    if store.get(key) is None:
        return "NOT_FOUND"
    store.delete(key)
    return "OK"


def _snap(store: Store, _: str) -> str:
    store.checkpoint()
    return "OK"


_VERBS: dict[str, tuple[Callable[[Store, str], str], str]] = {
    "PUT": (_put, "PUT key value"),
    "GET": (_get, "GET key"),
    "DEL": (_delete, "DEL key"),
    "SIZE": (lambda store, _: f"SIZE {len(store)}", "SIZE"),
    "STATUS": (lambda _store, _: "ROLE LEADER", "STATUS"),
    "PING": (lambda _store, _: "PONG", "PING"),
    "FLUSH": (lambda _store, _: "FLUSH_OK", "FLUSH"),
    "SNAP": (_snap, "SNAP"),
    "EXIT": (lambda _store, _: BYE, "EXIT"),
}
VERBS = tuple(_VERBS)
