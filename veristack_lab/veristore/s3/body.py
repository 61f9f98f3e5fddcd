"""The body of a request: decoded, and held to its length, its hash and its checksums.

`BodyDecoder` is pure. `Body` carries the bytes from the event loop to the worker thread that
stores them, a megabyte at a time, so that an upload of any size takes the same memory.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Protocol

import anyio.from_thread

from veristack_lab.errors import ChecksumMismatch
from veristack_lab.veristore.objects.digests import Digests
from veristack_lab.veristore.s3.checksums import Announced, announced
from veristack_lab.veristore.s3.chunked import ChunkedDecoder
from veristack_lab.veristore.s3.claims import UNSIGNED_PAYLOAD
from veristack_lab.veristore.s3.errors import S3Error, not_implemented
from veristack_lab.veristore.s3.sigv4 import Signed

MAX_PUT_BYTES = 5 * 1024**3
"""As in S3: larger objects come in parts."""
CARRIED_BYTES = 1024 * 1024
"""How much is passed to a worker at once, and read before a worker is needed."""

_STREAMING = {
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD": (True, False),
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER": (True, True),
    "STREAMING-UNSIGNED-PAYLOAD-TRAILER": (False, True),
}
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII | re.IGNORECASE)


class _Decoder(Protocol):
    def feed(self, data: bytes) -> Iterator[bytes]: ...

    def finish(self) -> None: ...

    trailers: dict[str, str]


class _Plain:
    """The decoder of a body that is not encoded."""

    def __init__(self) -> None:
        self.trailers: dict[str, str] = {}

    def feed(self, data: bytes) -> Iterator[bytes]:
        yield data

    def finish(self) -> None:
        """Any end is accepted; the caller counts the length."""


class BodyDecoder:
    """Decodes the bytes on the wire into content.

    Args:
        headers: the request's headers, names in lower case.
        signed: the verified request, or None on an open server.

    Raises:
        S3Error: MissingContentLength, EntityTooLarge, or what is wrong with the headers.
    """

    def __init__(self, headers: Mapping[str, str], signed: Signed | None) -> None:
        payload = headers.get("x-amz-content-sha256", UNSIGNED_PAYLOAD)
        self._decoder, self._sha256 = _decoder(payload, headers, signed)
        self._claimed_sha256 = payload.lower()
        is_chunked = isinstance(self._decoder, ChunkedDecoder)
        self.size_bytes = _length(headers, is_chunked=is_chunked)
        """Size of the content, as announced."""
        self._announced: Announced = announced(headers)
        self._seen = 0

    @property
    def expected(self) -> dict[str, str]:
        """Checksums for the store to verify; a trailing one is known after `finish`."""
        return self._announced.expected

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Give the next bytes; yields content. Raises `S3Error`."""
        for content in self._decoder.feed(data):
            self._seen += len(content)
            if self._seen > self.size_bytes:
                raise S3Error("IncompleteBody", "the content is longer than its announced length")
            if self._sha256 is not None:
                self._sha256.update(content)
            yield content

    def finish(self) -> None:
        """The body has ended. Raises `S3Error` if it is not what the headers promised."""
        self._decoder.finish()
        if self._seen != self.size_bytes:
            raise S3Error(
                "IncompleteBody",
                f"{self.size_bytes} bytes of content were announced, and {self._seen} came",
            )
        if self._sha256 is not None and self._sha256.hexdigest() != self._claimed_sha256:
            raise S3Error(
                "XAmzContentSHA256Mismatch", "the body's SHA-256 is not x-amz-content-sha256"
            )
        self._announced.learn(self._decoder.trailers)


class Body:
    """A request's body on its way from the event loop to a worker thread."""

    def __init__(self, stream: AsyncIterator[bytes], decoder: BodyDecoder) -> None:
        self._stream = stream
        self._decoder = decoder
        self._first = b""
        self.has_ended = False
        """Whether all of it has arrived: then reading it will never wait for the client."""

    @property
    def expected(self) -> dict[str, str]:
        """See `BodyDecoder.expected`."""
        return self._decoder.expected

    @property
    def size_bytes(self) -> int:
        """See `BodyDecoder.size_bytes`."""
        return self._decoder.size_bytes

    async def prefetch(self) -> None:
        """Read what fits in one piece, so that a slow client of a small body holds no thread."""
        self._first = await self._more()

    def chunks(self) -> Iterator[bytes]:
        """The content, for one pass, in a worker thread. Raises `S3Error`."""
        piece = self._first
        while True:
            yield from self._decoder.feed(piece)
            if self.has_ended:
                self._decoder.finish()
                return
            piece = anyio.from_thread.run(self._more)

    def read(self, limit: int) -> bytes:
        """All of it, checked.

        Raises:
            S3Error: EntityTooLarge beyond the limit, or what is wrong with it.
        """
        if self.size_bytes > limit:
            raise S3Error("EntityTooLarge", f"this body may have up to {limit} bytes")
        data, digests = b"".join(self.chunks()), Digests(self.expected)
        digests.update(data)
        try:
            digests.finish("the body")
        except ChecksumMismatch as error:
            raise S3Error("BadDigest", str(error)) from error
        return data

    async def _more(self) -> bytes:
        pieces, size = [], 0
        async for piece in self._stream:
            pieces.append(piece)
            size += len(piece)
            if size >= CARRIED_BYTES:
                return b"".join(pieces)
        self.has_ended = True
        return b"".join(pieces)


def _decoder(
    payload: str, headers: Mapping[str, str], signed: Signed | None
) -> tuple[_Decoder, hashlib._Hash | None]:
    """What takes the body apart, and what hashes it on the way if its hash was announced."""
    if payload in _STREAMING:
        is_signed, has_trailer = _STREAMING[payload]
        return ChunkedDecoder(is_signed=is_signed, has_trailer=has_trailer, signed=signed), None
    if payload.startswith("STREAMING-"):
        raise not_implemented(f"a body sent as {payload:.60}")
    if "x-amz-trailer" in headers:
        raise S3Error("InvalidRequest", "a trailer needs a body in chunks (aws-chunked)")
    if payload == UNSIGNED_PAYLOAD:
        return _Plain(), None
    if not _SHA256.fullmatch(payload):
        raise S3Error("InvalidArgument", "x-amz-content-sha256 is neither a hash nor known")
    return _Plain(), hashlib.sha256()


def _length(headers: Mapping[str, str], *, is_chunked: bool) -> int:
    if is_chunked:
        text = headers.get("x-amz-decoded-content-length")
    elif "transfer-encoding" in headers:
        text = None
    else:
        text = headers.get("content-length", "0")
    if text is None:
        raise S3Error("MissingContentLength", "the length of the content must be announced")
    if not (text.isascii() and text.isdecimal()):
        raise S3Error("InvalidArgument", f"{text!r:.30} is not a valid length")
    if len(text) > 15 or int(text) > MAX_PUT_BYTES:
        raise S3Error("EntityTooLarge", "one request carries up to 5 GiB; use a multipart upload")
    return int(text)
