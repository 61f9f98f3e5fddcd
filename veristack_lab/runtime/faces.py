"""The outer checks of every HTTP face, as pure ASGI middleware.

`Guard` refuses, before the application sees anything: requests for another host and from another
site's page (`origins`), bodies that are too large, and JSON that cannot be held (`plain_json`).
What escapes the application becomes a 500 in the face's shape, with a request id that the log
holds beside the traceback. A reply after the first byte cannot be taken back: then the
connection is cut.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from starlette.requests import ClientDisconnect
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from veristack_lab.runtime.origins import allows_host, allows_origin
from veristack_lab.runtime.plain_json import reason_against
from veristack_lab.runtime.replies import Refusal, Shape

_log = logging.getLogger(__name__)
MAX_JSON_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class Policy:
    """What a face accepts, and how it refuses the rest."""

    shape: Shape
    max_body_bytes: int | None = MAX_JSON_BYTES
    """None leaves bodies to the application, which then limits them itself."""
    plain_json: bool = True
    """Whether bodies are JSON. They are then read as a whole and judged before the application
    runs."""
    unusable_status: int = 422
    """Status of the reply to a body or address that is well formed but cannot be stored."""
    hosts: Collection[str] | None = ()
    """Names in lower case, beside loopback names and literal addresses. None leaves `Host` to the
    application."""
    id_header: str = "x-request-id"
    allow: Callable[[Scope], str] | None = None
    """The value of `Allow` for a 405 of an application that does not send one."""


class Guard:
    """The middleware. Around a Starlette application, use `app.add_middleware(Guard, policy=p)`,
    so that it stands inside Starlette's own page for errors."""

    def __init__(self, app: ASGIApp, policy: Policy) -> None:
        self._app = app
        self._policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = secrets.token_hex(8)
        reply = _Reply(send, scope, self._policy, request_id)
        try:
            refusal = _refused_head(scope, self._policy)
            if refusal is None and self._policy.max_body_bytes is not None:
                receive, refusal = await _arrived(receive, self._policy)
            if refusal is None:
                await self._app(scope, receive, reply)
            else:
                await self._refuse(refusal, scope, reply)
        except ClientDisconnect:
            return
        except Exception:
            _log.exception("request %s: %s failed", request_id, scope["method"])
            if reply.has_begun:
                raise
            message = (
                f"the server failed at this request; its log holds the reason under {request_id}"
            )
            await self._refuse(Refusal(500, "InternalError", message, request_id), scope, reply)

    async def _refuse(self, refusal: Refusal, scope: Scope, send: Send) -> None:
        path = scope.get("raw_path", b"").decode("latin-1")
        content_type, body = self._policy.shape(
            Refusal(refusal.status, refusal.kind, refusal.message, refusal.request_id, path)
        )
        headers = [
            (b"content-type", content_type.encode()),
            (b"content-length", str(len(body)).encode()),
        ]
        if refusal.status != 500:
            headers.append((b"connection", b"close"))  # the rest of the body is not read
        await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
        shown = b"" if scope["method"] == "HEAD" else body
        await send({"type": "http.response.body", "body": shown})


class _Reply:
    """Sends the reply, completes its head, and remembers whether the head was sent."""

    def __init__(self, send: Send, scope: Scope, policy: Policy, request_id: str) -> None:
        self._send = send
        self._scope = scope
        self._policy = policy
        self._request_id = request_id
        self.has_begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_begun = True
            headers = list(message.get("headers", ()))
            names = {name.lower() for name, _ in headers}
            if (id_header := self._policy.id_header.encode()) not in names:
                headers.append((id_header, self._request_id.encode()))
            if message["status"] == 405 and self._policy.allow and b"allow" not in names:
                headers.append((b"allow", self._policy.allow(self._scope).encode()))
            message = {**message, "headers": headers}
        await self._send(message)


def _refused_head(scope: Scope, policy: Policy) -> Refusal | None:
    """Why a request is refused because of its head; None if it is not."""
    hosts = _values(scope, b"host")
    names = policy.hosts or ()
    if policy.hosts is not None and (len(hosts) != 1 or not allows_host(hosts[0], names)):
        message = "this server answers to localhost and to its address: call it by one of these"
        return Refusal(403, "HostRefused", message)
    if any(not allows_origin(origin, names) for origin in _values(scope, b"origin")):
        message = "pages of other sites may not call this server"
        return Refusal(403, "OriginRefused", message)
    lengths = _values(scope, b"content-length")
    limit = policy.max_body_bytes
    if limit is not None and lengths and lengths[0].isdecimal() and _above(lengths[0], limit):
        return _too_large(limit)
    if policy.plain_json and b"%00" in scope.get("raw_path", b"") + scope.get("query_string", b""):
        message = "the address holds a NUL character: leave it out"
        return Refusal(policy.unusable_status, "InvalidInput", message)
    return None


async def _arrived(receive: Receive, policy: Policy) -> tuple[Receive, Refusal | None]:
    """Read the whole body and judge it; returns a `receive` that hands it to the application.

    Raises:
        ClientDisconnect: the client left before all of it came.
    """
    assert policy.max_body_bytes is not None
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > policy.max_body_bytes:
            return receive, _too_large(policy.max_body_bytes)
        if not message.get("more_body", False):
            break
    reason = reason_against(body) if policy.plain_json and body else None
    if reason is not None:
        return receive, Refusal(policy.unusable_status, "InvalidInput", reason)
    was_read = False

    async def replay() -> Message:
        nonlocal was_read
        if was_read:
            return await receive()
        was_read = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay, None


def _above(digits: str, limit: int) -> bool:
    return len(digits) > len(str(limit)) + 8 or int(digits) > limit


def _too_large(limit: int) -> Refusal:
    return Refusal(413, "BodyTooLarge", f"the body may have at most {limit:,} bytes")


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]


def allow_header(routes: Sequence[BaseRoute], scope: Scope) -> str:
    """The value of `Allow` for a path: every method that some route has there.

    For the answer to a wrong method; Starlette names the methods of one route alone.
    """
    methods = {
        method
        for route in routes
        if isinstance(route, Route) and route.matches(scope)[0] is not Match.NONE
        for method in route.methods or ()
    }
    return ", ".join(sorted(methods))
