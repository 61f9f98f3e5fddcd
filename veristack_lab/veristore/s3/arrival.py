"""How a request arrives: its head, held to limits, and whether its body has come."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.types import Message, Receive, Scope

from veristack_lab.veristore.s3.errors import S3Error

MAX_DROPPED_BYTES = 16 * 1024 * 1024
"""How much of an unwanted body is read, so that its sender gets to read the refusal."""
MAX_HEAD_BYTES = 64 * 1024
"""Limit of path, query and headers together."""
_OWN_NAMES = ("127.0.0.1", "localhost")


class Arrival:
    """Hands a request's body on, and knows whether all of it has come."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._has_begun = False
        self._has_ended = False

    async def __call__(self) -> Message:
        self._has_begun = True
        message = await self._receive()
        self._has_ended = not message.get("more_body", False)
        return message

    async def departure(self) -> None:
        """Return when the client has left. For when its body has come."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def must_close(self, scope: Scope) -> bool:
        """Whether the connection must end with an answer that was given before the body came.

        A client that waits for "100 Continue" sends no body after a refusal, and its next
        request would be taken for the body. What else is still to come is read and dropped, so
        that the client gets to read the answer, unless it is too much.
        """
        if self._has_ended:
            return False
        headers = dict(scope["headers"])
        is_waiting = b"expect" in headers and not self._has_begun
        length = headers.get(b"content-length", b"0")
        is_long = b"transfer-encoding" in headers or not length.isdigit()
        return is_waiting or is_long or int(length) > MAX_DROPPED_BYTES


def headers_of(http: Request) -> dict[str, str]:
    """By name in lower case; several of one name joined, as they are signed."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in http.scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode(errors="surrogateescape")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers


def limit_head(http: Request) -> None:
    """Refuse a head that is too large. Raises `S3Error`."""
    pairs = http.scope["headers"]
    size = len(http.scope["raw_path"]) + len(http.scope["query_string"])
    if size + sum(len(name) + len(value) for name, value in pairs) > MAX_HEAD_BYTES:
        raise S3Error(
            "RequestHeaderSectionTooLarge",
            f"path and headers may have up to {MAX_HEAD_BYTES} bytes",
        )


def check_host(host: str) -> None:
    """Take requests to this machine's own names only.

    Another name means a bucket in the host (which would be looked for in the path), or a page
    of the web whose name was made to point here, to use an open server through the browser.

    Raises:
        S3Error: InvalidRequest.
    """
    name = host.rpartition(":")[0] if re.search(r":\d*$", host) else host
    if name not in _OWN_NAMES:
        raise S3Error(
            "InvalidRequest",
            f"address this server as {' or '.join(_OWN_NAMES)}, with the bucket in the path "
            "(path style)",
        )
