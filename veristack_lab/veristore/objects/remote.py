"""The object store behind a URL: the client of the S3 face."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from types import TracebackType
from typing import Self
from urllib.parse import quote

import httpx

from veristack_lab.errors import (
    ChecksumMismatch,
    InvalidInput,
    ObjectStoreUnavailable,
    StoreError,
    VeriStackError,
)
from veristack_lab.runtime.breaker import Breaker
from veristack_lab.veristore.objects.types import (
    DEFAULT_CONTENT_TYPE,
    HEADER_NAMES,
    ObjectInfo,
    bucket_bytes,
    check_put,
    key_bytes,
    prefix_bytes,
)
from veristack_lab.veristore.s3.errors import KIND_HEADER, error_of
from veristack_lab.veristore.s3.headers import (
    CREATED_HEADER,
    INFO_HEADER,
    SHA256_HEADER,
)
from veristack_lab.veristore.s3.metadata import metadata_headers, metadata_of
from veristack_lab.veristore.s3.xml import read_error, read_listing

DEFAULT_TIMEOUT_S = 30.0
FAILURES = 3
OPEN_S = 1.0
_CHECKSUM_HEADER = "x-amz-checksum-sha256"


class RemoteObjectStore:
    """Implements `Objects` over HTTP. Thread-safe. A context manager, or call `close()`.

    Besides the errors of `Objects`, every call may raise `ObjectStoreUnavailable`. A put that
    raised it may have happened or not; repeating it is harmless. After `FAILURES` calls in a row
    without an answer, calls fail at once for `OPEN_S`; then one call tries again.

    Args:
        url: where the S3 face answers, for example what `s3.serve_in_thread` yields.
        timeout_s: how long one step of a request may take.
    """

    def __init__(self, url: str, *, timeout_s: float = DEFAULT_TIMEOUT_S) -> None:
        if not url.startswith(("http://", "https://")):
            raise InvalidInput(f"{url!r:.80} is not the URL of an object store (http://HOST:PORT)")
        self.url = url.rstrip("/")
        self._breaker = Breaker(FAILURES, OPEN_S, probe_s=timeout_s)
        self._lock = threading.Lock()
        self._client = httpx.Client(timeout=timeout_s, trust_env=False, headers={INFO_HEADER: "1"})

    def __repr__(self) -> str:
        return f"RemoteObjectStore({self.url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def create_bucket(self, bucket: str) -> bool:
        """See `Objects.create_bucket`."""
        response = self._send("PUT", _path(bucket_bytes(bucket)))
        if _code(response) == "BucketAlreadyOwnedByYou":
            return False
        _checked(response)
        return True

    def put(
        self,
        bucket: str,
        key: str,
        data: bytes,
        *,
        content_type: str = DEFAULT_CONTENT_TYPE,
        metadata: Mapping[str, str] | None = None,
    ) -> ObjectInfo:
        """See `Objects.put`."""
        notes = dict(metadata or {})
        check_put(data, content_type, notes)
        digest = hashlib.sha256(data)
        headers = metadata_headers(notes)
        headers["content-type"] = content_type
        headers[_CHECKSUM_HEADER] = base64.b64encode(digest.digest()).decode()
        path = _path(bucket_bytes(bucket), key_bytes(key))
        response = _checked(self._send("PUT", path, content=data, headers=headers))
        return ObjectInfo(
            bucket=bucket,
            key=key,
            size_bytes=len(data),
            sha256=digest.hexdigest(),
            content_type=content_type,
            metadata=notes,
            created_ms=int(response.headers[CREATED_HEADER]),
            md5=response.headers["etag"].strip('"'),
        )

    def get(self, bucket: str, key: str) -> bytes:
        """See `Objects.get`; the checksum is checked at this end as well."""
        headers, content = self._fetch(_path(bucket_bytes(bucket), key_bytes(key)))
        wanted, found = headers[SHA256_HEADER], hashlib.sha256(content)
        # a checksum with a dash covers the parts' digests; the server has verified each part
        if "-" not in wanted and wanted != found.hexdigest():
            raise ChecksumMismatch(f"{bucket}/{key} arrived with another SHA-256; get it again")
        return content

    def head(self, bucket: str, key: str) -> ObjectInfo:
        """See `Objects.head`."""
        response = _checked(self._send("HEAD", _path(bucket_bytes(bucket), key_bytes(key))))
        headers = response.headers
        etag = headers["etag"].strip('"')
        return ObjectInfo(
            bucket=bucket,
            key=key,
            size_bytes=int(headers["content-length"]),
            sha256=headers[SHA256_HEADER],
            content_type=headers["content-type"],
            metadata=metadata_of(headers),
            created_ms=int(headers[CREATED_HEADER]),
            md5="" if "-" in etag else etag,
            etag=etag,
            headers={name: headers[name] for name in HEADER_NAMES if name in headers},
        )

    def list(self, bucket: str, prefix: str = "") -> list[ObjectInfo]:
        """See `Objects.list`; fetched page by page."""
        infos: list[ObjectInfo] = []
        path, prefix_bytes_ = _path(bucket_bytes(bucket)), prefix_bytes(prefix)
        query = f"list-type=2&encoding-type=url&prefix={quote(prefix_bytes_, safe='')}"
        token: str | None = None
        while True:
            more = f"&continuation-token={quote(token, safe='')}" if token else ""
            response = _checked(self._send("GET", f"{path}?{query}{more}"))
            page, token = read_listing(response.content, bucket)
            infos += page
            if token is None:
                return infos

    def delete(self, bucket: str, key: str) -> None:
        """See `Objects.delete`."""
        _checked(self._send("DELETE", _path(bucket_bytes(bucket), key_bytes(key))))

    def _send(
        self,
        method: str,
        path: str,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        with self._reaching():
            return self._client.request(method, self.url + path, content=content, headers=headers)

    def _fetch(self, path: str) -> tuple[httpx.Headers, bytes]:
        """An object's headers, and its bytes as they are stored: httpx would otherwise undo what
        a content-encoding header of the object says."""
        with self._reaching(), self._client.stream("GET", self.url + path) as response:
            if not response.is_success:
                response.read()
            _checked(response)
            return response.headers, b"".join(response.iter_raw())

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        with self._lock:
            permit = self._breaker.ask(monotonic())
        if permit is None:
            raise ObjectStoreUnavailable(
                f"the object store at {self.url} did not answer {FAILURES} times in a row, so it "
                f"is not called for {OPEN_S:g} s; try again"
            )
        answered = False
        try:
            yield
            answered = True
        except VeriStackError:
            answered = True  # it refuses, which is an answer
            raise
        except httpx.TransportError as error:
            raise ObjectStoreUnavailable(
                f"the object store at {self.url} does not answer ({error}); start it with "
                "`veristack s3 serve PATH`, or try again"
            ) from error
        finally:
            with self._lock:
                self._breaker.tell(permit, monotonic(), success=answered)


def _path(bucket: bytes, key: bytes | None = None) -> str:
    path = "/" + _segment(quote(bucket, safe=""))
    if key is not None:
        path += "/" + "/".join(_segment(part) for part in quote(key).split("/"))
    return path


def _segment(quoted: str) -> str:
    """A client may resolve `.` and `..` in a path; here they are names like any other."""
    return quoted.replace(".", "%2E") if quoted in (".", "..") else quoted


def _code(response: httpx.Response) -> str:
    return read_error(response.content)[0]


def _checked(response: httpx.Response) -> httpx.Response:
    if response.is_success:
        return response
    raise _error(response)


def _error(response: httpx.Response) -> VeriStackError:
    kind = response.headers.get(KIND_HEADER, "")
    code, message = read_error(response.content)
    request = f"{response.request.method} {response.request.url}"
    if not kind and not code:
        return StoreError(
            f"{request} was answered {response.status_code}, and not by an object store; check "
            "the URL"
        )
    return error_of(kind, code, message or f"{request} was answered {response.status_code}")
