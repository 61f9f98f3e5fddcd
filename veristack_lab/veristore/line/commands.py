"""The line protocol: one command in, one reply out. Used by the server and the shell alike.

    PUT key value     OK                     the value is the rest of the line, spaces and all
    GET key           VALUE value | NOT_FOUND
    DEL key           OK | NOT_FOUND
    SIZE              SIZE n                 number of keys
    STATUS            ROLE LEADER DURABILITY level LSN n DURABLE n SNAPSHOT n
                                             a store alone leads itself; a power cut may lose the
                                             writes between the two numbers
    PING              PONG
    FLUSH             FLUSH_OK               all that was answered with OK is durable; at the
                                             level "commit" it was before
    SNAP              OK                     a checkpoint was written
    EXIT              BYE                    and the connection is closed

Keys and values of any bytes go by length, in bytes, each followed by a newline:

    PUTL key_length value_length             then the key and the value, one after the other;
                      OK
    GETL key_length                          then the key;
                      VALUE length           then the value | NOT_FOUND
    DELL key_length   OK | NOT_FOUND         then the key

Anything else is answered by a line that begins with ERR; a write that failed by FAIL and the
reason. Lines are UTF-8 and end with a newline; a carriage return before it is dropped. After an
invalid length the start of the next command is unknown, so the connection is closed. It is also
closed after an HTTP request line or header, so that a web page cannot make a browser write here.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from veristack_lab.errors import StoreError
from veristack_lab.veristore.commit.durability import name_of
from veristack_lab.veristore.kv import Store
from veristack_lab.veristore.wal.mutations import MAX_KEY_BYTES, MAX_VALUE_BYTES

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
        return _failed(error)


_REQUEST_LINE = re.compile(rb"\S+ \S+ HTTP/\d(\.\d)?", re.IGNORECASE)
_HEADER_LINE = re.compile(rb"[A-Za-z][A-Za-z0-9-]*:( .*)?", re.DOTALL)
_TLS_HANDSHAKE = b"\x16\x03"


def other_protocol(line: bytes) -> str:
    """Why a line belongs to a protocol that a browser speaks; empty if it does not.

    A web page may have a browser send any body to any port. What comes first is a request line
    and headers, or the first message of TLS: a server that closes there executes no line of the
    body. So `PUT key HTTP/1.1` is refused too; PUTL takes any bytes.
    """
    line = line.removesuffix(b"\r")
    if _REQUEST_LINE.fullmatch(line) or _HEADER_LINE.fullmatch(line):
        return "ERR this is HTTP, and the server speaks its line protocol only; it hangs up"
    if line.startswith(_TLS_HANDSHAKE):
        return "ERR this is TLS, and the server speaks its line protocol only; it hangs up"
    return ""


class BadLength(Exception):
    """The lengths of a command by length are invalid; the message is the reply."""


_BY_LENGTH = {b"PUTL": (MAX_KEY_BYTES, MAX_VALUE_BYTES), b"GETL": (MAX_KEY_BYTES,)}
_BY_LENGTH[b"DELL"] = _BY_LENGTH[b"GETL"]


def lengths(line: bytes) -> tuple[int, ...] | None:
    """Lengths of what follows the line of a command by length; None for any other command.

    Raises:
        BadLength: there are too few or too many, or one is not a number or too large.
    """
    verb, *words = line.removesuffix(b"\r").split(b" ")
    limits = _BY_LENGTH.get(verb.upper())
    if limits is None:
        return None
    if len(words) != len(limits) or not all(word.isdigit() and len(word) < 10 for word in words):
        raise BadLength(f"ERR usage: {verb.decode().upper()}{' length' * len(limits)}")
    found = tuple(map(int, words))
    for length, limit in zip(found, limits, strict=True):
        if length > limit:
            raise BadLength(f"ERR the length {length} is over the limit of {limit}")
    return found


def execute_by_length(store: Store, line: bytes, parts: tuple[bytes, ...]) -> bytes:
    """Do one command by length, whose `lengths` were found and whose parts were read.

    Returns:
        The reply, without the last newline.
    """
    verb = line[:4].upper()
    try:
        if verb == b"PUTL":
            store.put(*parts)
            return b"OK"
        value = store.get(*parts)
        if value is None:
            return b"NOT_FOUND"
        if verb == b"GETL":
            return b"VALUE %d\n%b" % (len(value), value)
        store.delete(*parts)
        return b"OK"
    except StoreError as error:
        return _failed(error).encode()


def _failed(error: StoreError) -> str:
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


def _flush(store: Store, _: str) -> str:
    store.sync()
    return "FLUSH_OK"


def _status(store: Store, _: str) -> str:
    stats = store.stats()
    return (
        f"ROLE LEADER DURABILITY {name_of(store.options.durability)} LSN {stats.last_lsn} "
        f"DURABLE {stats.durable_lsn} SNAPSHOT {stats.snapshot_lsn}"
    )


_VERBS: dict[str, tuple[Callable[[Store, str], str], str]] = {
    "PUT": (_put, "PUT key value"),
    "GET": (_get, "GET key"),
    "DEL": (_delete, "DEL key"),
    "SIZE": (lambda store, _: f"SIZE {len(store)}", "SIZE"),
    "STATUS": (_status, "STATUS"),
    "PING": (lambda _store, _: "PONG", "PING"),
    "FLUSH": (_flush, "FLUSH"),
    "SNAP": (_snap, "SNAP"),
    "EXIT": (lambda _store, _: BYE, "EXIT"),
}
VERBS = tuple(_VERBS)
