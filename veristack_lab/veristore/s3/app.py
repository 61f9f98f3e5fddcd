"""The S3 face as an ASGI application: authenticate, route, run in a worker thread, send.

The event loop only moves bytes. Every operation is plain code in a worker thread; small
bodies have arrived before it begins, and larger ones are handed over a megabyte at a time, so
slow clients hold few threads and no upload or download is ever in memory as a whole.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from functools import partial

import anyio
import anyio.to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from veristack_lab.errors import VeriStackError
from veristack_lab.runtime.clock import Clock, RealClock
from veristack_lab.veristore.objects.reader import ObjectReader
from veristack_lab.veristore.objects.store import ObjectStore
from veristack_lab.veristore.s3.arrival import Arrival, check_host, headers_of, limit_head
from veristack_lab.veristore.s3.body import Body, BodyDecoder
from veristack_lab.veristore.s3.claims import SignableRequest
from veristack_lab.veristore.s3.errors import S3Error, refusal_of
from veristack_lab.veristore.s3.headers import http_date
from veristack_lab.veristore.s3.login import let_in
from veristack_lab.veristore.s3.request import Answer, Operation, S3Request, query_of, split_path
from veristack_lab.veristore.s3.request_headers import refuse_unserved
from veristack_lab.veristore.s3.routes import body_headers, operation_for
from veristack_lab.veristore.s3.sigv4 import Credentials
from veristack_lab.veristore.s3.xml import document

_log = logging.getLogger(__name__)

MAX_CALLS = 40
"""Operations that run at once and never wait for a client."""
MAX_UPLOADS = 64
"""Uploads of more than a megabyte that are stored at once; each holds a thread."""


class S3App:
    """The ASGI application over one `ObjectStore`.

    Args:
        objects: what is served.
        credentials: requests must be signed with them; None gives every client full access.
        clock: to judge the time of signatures by.
    """

    def __init__(
        self,
        objects: ObjectStore,
        credentials: Credentials | None = None,
        *,
        clock: Clock | None = None,
    ) -> None:
        self._objects = objects
        self._credentials = credentials
        self._clock = clock or RealClock()
        self._calls: anyio.CapacityLimiter | None = None
        self._uploads: anyio.CapacityLimiter | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"  # lifespan and websockets are switched off
        request_id = secrets.token_hex(8).upper()
        arrival = Arrival(receive)
        try:
            answer = await self._answer(Request(scope, arrival))
        except ClientDisconnect:
            return
        except S3Error as refusal:
            answer = _refusal(refusal, scope, request_id)
        except VeriStackError as error:
            answer = _refusal(refusal_of(error), scope, request_id)
        answer.headers["x-amz-request-id"] = request_id
        if arrival.must_close(scope):
            answer.headers["connection"] = "close"
        answer.headers["date"] = http_date(self._clock.now_ms())
        await self._send(answer, arrival, scope["method"], send)

    async def _answer(self, http: Request) -> Answer:
        sent = headers_of(http)
        limit_head(http)
        check_host(sent.get("host", ""))
        signable = SignableRequest(
            http.method, _path(http.scope["raw_path"]), http.scope["query_string"], sent
        )
        now_s = self._clock.now_ms() / 1000
        headers, signed = let_in(signable, self._credentials, now_s)
        query = query_of(signable)
        refuse_unserved(headers)
        of_body = body_headers(http.method, query, headers)
        body = Body(http.stream(), BodyDecoder(of_body, signed))
        bucket, key = split_path(signable.path)
        request = S3Request(http.method, bucket, key, query, headers, body)
        operation = operation_for(request)
        await body.prefetch()
        limiter = self._call_limiter() if body.has_ended else self._upload_limiter()
        return await anyio.to_thread.run_sync(
            _run, operation, self._objects, request, limiter=limiter
        )

    async def _send(self, answer: Answer, arrival: Arrival, method: str, send: Send) -> None:
        if answer.status not in (204, 304):
            answer.headers.setdefault("content-length", str(len(answer.body)))
        pairs = [(name.encode(), value.encode()) for name, value in answer.headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": pairs})
        if answer.reader is not None:
            departure = asyncio.ensure_future(arrival.departure())
            try:
                await self._send_content(answer, answer.reader, departure, send)
            finally:
                departure.cancel()
        else:
            body = b"" if method == "HEAD" else answer.body
            await send({"type": "http.response.body", "body": body})

    async def _send_content(
        self, answer: Answer, reader: ObjectReader, departure: asyncio.Future[None], send: Send
    ) -> None:
        """Send piece by piece, as long as the client is there. Damage found behind the first
        piece can only be told by breaking off: returning before the end closes the connection,
        and the client sees that fewer bytes came than were announced."""
        run = partial(anyio.to_thread.run_sync, limiter=self._call_limiter())
        try:
            piece: bytes | None = answer.body
            while piece is not None and not departure.done():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                piece = await run(next, reader, None)
            if piece is None:
                await send({"type": "http.response.body", "body": b""})
        except VeriStackError as error:
            _log.error("an answer was broken off: %s", error)
        finally:
            with anyio.CancelScope(shield=True):
                await run(reader.close)

    def _call_limiter(self) -> anyio.CapacityLimiter:
        if self._calls is None:  # these belong to the event loop, which runs by now
            self._calls = anyio.CapacityLimiter(MAX_CALLS)
        return self._calls

    def _upload_limiter(self) -> anyio.CapacityLimiter:
        if self._uploads is None:
            self._uploads = anyio.CapacityLimiter(MAX_UPLOADS)
        return self._uploads


def _run(operation: Operation, objects: ObjectStore, request: S3Request) -> Answer:
    """In a worker thread: the operation, and the first piece of what it reads.

    So damage in the first piece is still told as an error, and content of one piece is done.
    """
    answer = operation(objects, request)
    reader = answer.reader
    if reader is not None:
        answer.body = next(reader, b"")
        if len(answer.body) == len(reader):
            reader.close()
            answer.reader = None
    return answer


def _path(raw_path: bytes) -> bytes:
    return raw_path.partition(b"?")[0]


def _refusal(refusal: S3Error, scope: Scope, request_id: str) -> Answer:
    resource = _path(scope["raw_path"]).decode("latin-1")
    children = [
        ("Code", refusal.code),
        ("Message", str(refusal)),
        *refusal.details.items(),
        ("Resource", resource),
        ("RequestId", request_id),
    ]
    body = document("Error", children, is_namespaced=False)
    headers = {"content-type": "application/xml", **refusal.headers}
    return Answer(refusal.status, headers, body)
