"""An HTTP face for an object store, with S3's paths, headers and XML.

    PUT /bucket            make a bucket (409 BucketAlreadyOwnedByYou when it is there)
    GET /bucket?list-type=2&prefix=&start-after=&continuation-token=&max-keys=&encoding-type=
    PUT, GET, HEAD, DELETE /bucket/key
    GET /                  all buckets

What S3 has and this face has not (multipart, conditions, copies, signed streaming bodies) is
refused with 501 NotImplemented, never half done. There are no signatures: whoever reaches the
port may do everything, so it listens on loopback only.
"""

from __future__ import annotations

import base64
import hashlib
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import unquote_to_bytes

import uvicorn
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from veristack_lab.errors import BackendStartFailed, InvalidInput, VeriStackError
from veristack_lab.veristore.listener import HOST, listen
from veristack_lab.veristore.object_types import (
    DEFAULT_CONTENT_TYPE,
    MAX_OBJECT_BYTES,
    ObjectInfo,
    Objects,
)
from veristack_lab.veristore.s3_errors import KIND_HEADER, S3Error, code_of
from veristack_lab.veristore.s3_xml import buckets_xml, error_xml, listing_xml

CREATED_HEADER = "x-veristack-created-ms"
CHECKSUM_HEADER = "x-amz-checksum-sha256"
METADATA_PREFIX = "x-amz-meta-"
_START_TIMEOUT_S = 10.0

_LIST_PARAMETERS = {
    *("list-type", "prefix", "start-after", "continuation-token", "max-keys", "encoding-type"),
    *("fetch-owner", "x-id"),
}
_REFUSED_HEADERS = ("if-match", "if-none-match", "x-amz-copy-source", "if-modified-since")


class S3App:
    """The ASGI application over one `Objects`."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"  # lifespan and websockets are switched off
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except ClientDisconnect:
            return
        except S3Error as error:
            response = _failure(error.code, error.status, error, request)
        except VeriStackError as error:
            response = _failure(*code_of(error), error, request)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        for header in _REFUSED_HEADERS:
            if header in request.headers:
                raise _not_implemented(f"the header {header}")
        bucket, key = _names(request)
        if key:
            return await self._object(request, bucket, key)
        if bucket:
            return await self._bucket(request, bucket)
        if request.method == "GET":
            names = await run_in_threadpool(getattr(self._objects, "buckets", list))
            return _xml(buckets_xml(names))
        raise _not_implemented(f"{request.method} /")

    async def _bucket(self, request: Request, bucket: str) -> Response:
        unknown = set(request.query_params) - _LIST_PARAMETERS
        if unknown:
            raise _not_implemented(f"the parameter {min(unknown)} of a bucket")
        if request.method == "PUT":
            if await run_in_threadpool(self._objects.create_bucket, bucket):
                return Response(headers={"location": f"/{bucket}"} if bucket.isascii() else None)
            raise S3Error("BucketAlreadyOwnedByYou", 409, f"the bucket {bucket!r} is there already")
        if request.method in ("GET", "HEAD"):
            infos = await run_in_threadpool(
                self._objects.list, bucket, request.query_params.get("prefix", "")
            )
            return _xml(listing_xml(bucket, infos, request.query_params))
        raise _not_implemented(f"{request.method} of a bucket")

    async def _object(self, request: Request, bucket: str, key: str) -> Response:
        unknown = set(request.query_params) - {"x-id"}
        if unknown:
            raise _not_implemented(f"the parameter {min(unknown)} of an object")
        if request.method == "PUT":
            return await self._put(request, bucket, key)
        if request.method == "GET":
            info, data = await run_in_threadpool(self._read, bucket, key)
            return Response(data, headers=_headers(info))
        if request.method == "HEAD":
            info = await run_in_threadpool(self._objects.head, bucket, key)
            return Response(headers={**_headers(info), "content-length": str(info.size_bytes)})
        if request.method == "DELETE":
            await run_in_threadpool(self._objects.delete, bucket, key)
            return Response(status_code=204)
        raise _not_implemented(f"{request.method} of an object")

    async def _put(self, request: Request, bucket: str, key: str) -> Response:
        if request.headers.get("x-amz-content-sha256", "").startswith("STREAMING-"):
            raise _not_implemented("a signed streaming body")
        data = await _body(request)
        claimed = request.headers.get(CHECKSUM_HEADER)
        if claimed is not None and claimed != _base64_sha256(hashlib.sha256(data).hexdigest()):
            raise S3Error("BadDigest", 400, "the content's SHA-256 is not the one in the header")
        metadata = {
            name.removeprefix(METADATA_PREFIX): value
            for name, value in request.headers.items()
            if name.startswith(METADATA_PREFIX)
        }
        content_type = request.headers.get("content-type", DEFAULT_CONTENT_TYPE)
        info = await run_in_threadpool(
            lambda: self._objects.put(
                bucket, key, data, content_type=content_type, metadata=metadata
            )
        )
        headers = _headers(info)
        del headers["content-type"]
        return Response(headers=headers)

    def _read(self, bucket: str, key: str) -> tuple[ObjectInfo, bytes]:
        """An object's facts and content that belong together."""
        while True:
            info = self._objects.head(bucket, key)
            data = self._objects.get(bucket, key)
            if hashlib.sha256(data).hexdigest() == info.sha256:
                return info, data


def _names(request: Request) -> tuple[str, str]:
    path: bytes = request.scope["raw_path"]
    bucket, _, key = path.partition(b"?")[0].removeprefix(b"/").partition(b"/")
    try:
        return unquote_to_bytes(bucket).decode(), unquote_to_bytes(key).decode()
    except UnicodeDecodeError:
        raise InvalidInput("the names in the path are not UTF-8") from None


async def _body(request: Request) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        parts.append(part)
        size += len(part)
        if size > MAX_OBJECT_BYTES:
            raise S3Error("EntityTooLarge", 400, "objects have up to 1 GiB")
    return b"".join(parts)


def _headers(info: ObjectInfo) -> dict[str, str]:
    notes = {METADATA_PREFIX + name: value for name, value in info.metadata.items()}
    return {
        **notes,
        "content-type": info.content_type,
        "etag": f'"{info.md5}"',
        CHECKSUM_HEADER: _base64_sha256(info.sha256),
        CREATED_HEADER: str(info.created_ms),
        "last-modified": time.strftime(
            "%a, %d %b %Y %H:%M:%S GMT", time.gmtime(info.created_ms / 1000)
        ),
    }


def _base64_sha256(digest: str) -> str:
    return base64.b64encode(bytes.fromhex(digest)).decode()


def _xml(body: bytes, status: int = 200) -> Response:
    return Response(body, status_code=status, headers={"content-type": "application/xml"})


def _failure(code: str, status: int, error: Exception, request: Request) -> Response:
    response = _xml(error_xml(code, str(error), request.url.path), status)
    response.headers[KIND_HEADER] = type(error).__name__
    return response


def _not_implemented(what: str) -> S3Error:
    return S3Error("NotImplemented", 501, f"{what} is not supported by this server")


# ------------------------------------------------------------------------ running


class _Server(uvicorn.Server):
    """Tells when it answers and heeds signals, not merely when it listens."""

    def __init__(self, objects: Objects, on_ready: Callable[[], None]) -> None:
        config = uvicorn.Config(
            S3App(objects),
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=5,
        )
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()


def serve(objects: Objects, port: int, on_ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT, then return; `on_ready` gets the URL. For a main thread.

    Raises:
        InvalidInput: the port cannot be used.
    """
    with listen(port) as listener:
        url = _url(listener)
        server = _Server(objects, lambda: on_ready(url))

        def stop(*_: object) -> None:
            server.should_exit = True

        # uvicorn takes the signals over while it runs, and afterwards raises what it caught
        # once more: that must not end the process before the caller has closed the store.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        server.run(sockets=[listener])


def _url(listener: socket.socket) -> str:
    return f"http://{HOST}:{listener.getsockname()[1]}"


@contextmanager
def serve_in_thread(objects: Objects, port: int = 0) -> Iterator[str]:
    """Serve from a thread of this process while the body runs; yields the URL.

    Raises:
        InvalidInput: the port cannot be used.
        BackendStartFailed: the server did not come up.
    """
    with listen(port) as listener:
        ready = threading.Event()
        server = _Server(objects, ready.set)
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listener]}, name="veristore-s3", daemon=True
        )
        thread.start()
        try:
            if not ready.wait(_START_TIMEOUT_S):
                raise BackendStartFailed("the S3 face did not come up")
            yield _url(listener)
        finally:
            server.should_exit = True
            thread.join()
