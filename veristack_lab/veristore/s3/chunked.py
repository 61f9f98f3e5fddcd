"""The `aws-chunked` encoding of bodies (S3 API Reference, "Transferring Payload in Multiple
Chunks").

    signed:    400;chunk-signature=HEX CRLF bytes CRLF  ...  0;chunk-signature=HEX CRLF
    unsigned:  400 CRLF bytes CRLF                      ...  0 CRLF
    then trailing headers, if announced:  name:value CRLF ...  and at last  CRLF

The decoder is pure: bytes go in as they arrive, cut anywhere; content comes out at once, so
that a chunk may be of any size. A chunk's signature is checked where the chunk ends: an
error there comes before the body has ended, and so before anything is stored.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterator

from veristack_lab.veristore.s3.errors import S3Error
from veristack_lab.veristore.s3.sigv4 import Signed

_HEAD = re.compile(rb"([0-9a-fA-F]{1,16})(?:;chunk-signature=([0-9a-f]{64}))?")
_MAX_HEAD_BYTES = 256
_MAX_TRAILER_BYTES = 8192
_TRAILER_SIGNATURE = "x-amz-trailer-signature"


class ChunkedDecoder:
    """Takes an encoded body apart.

    Args:
        is_signed: whether each chunk has a signature.
        has_trailer: whether trailing headers may follow.
        signed: the verified request, to check the signatures; None on an open server, which
            reads them and cannot judge them.
    """

    def __init__(self, *, is_signed: bool, has_trailer: bool, signed: Signed | None) -> None:
        self._is_signed = is_signed
        self._has_trailer = has_trailer
        self._signed = signed if is_signed else None
        self._previous = signed.signature if signed is not None else ""
        self._buffer = bytearray()
        self._step: Callable[[], Iterator[bytes] | None] = self._head
        self._left = 0
        self._claimed = ""
        self._sha256 = hashlib.sha256()
        self._trailer_bytes = 0
        self._is_done = False
        self.trailers: dict[str, str] = {}
        """The trailing headers, names in lower case; complete when `finish` has returned."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Give the next bytes of the body; yields the content in them.

        Raises:
            S3Error: the body is not in this encoding, or a signature is wrong.
        """
        self._buffer += data
        while self._buffer:
            if self._is_done:
                raise S3Error("IncompleteBody", "there are bytes after the last chunk")
            found = self._step()
            if found is None:
                return
            yield from found

    def finish(self) -> None:
        """The body has ended. Raises `S3Error` IncompleteBody if the encoding has not."""
        if not self._is_done:
            raise S3Error("IncompleteBody", "the body ends in the middle of its chunks")

    # Each step takes something off the buffer, or returns None: more bytes are needed.

    def _head(self) -> Iterator[bytes] | None:
        line = self._line(_MAX_HEAD_BYTES)
        if line is None:
            return None
        match = _HEAD.fullmatch(line)
        if match is None or bool(match[2]) != self._is_signed:
            raise S3Error("IncompleteBody", f"{bytes(line[:40])!r} does not begin a chunk")
        self._left = int(match[1], 16)
        self._claimed = (match[2] or b"").decode()
        self._sha256 = hashlib.sha256()
        if self._left:
            self._step = self._content
        else:
            self._check_chunk()
            self._step = self._trailer
        return iter(())

    def _content(self) -> Iterator[bytes] | None:
        taken = bytes(self._buffer[: self._left])
        del self._buffer[: len(taken)]
        self._left -= len(taken)
        if self._signed is not None:
            self._sha256.update(taken)
        if not self._left:
            self._step = self._end_of_content
        return iter((taken,))

    def _end_of_content(self) -> Iterator[bytes] | None:
        if len(self._buffer) < 2:
            return None
        if self._buffer[:2] != b"\r\n":
            raise S3Error("IncompleteBody", "a chunk is longer than its size says")
        del self._buffer[:2]
        self._check_chunk()
        self._step = self._head
        return iter(())

    def _trailer(self) -> Iterator[bytes] | None:
        line = self._line(_MAX_TRAILER_BYTES)
        if line is None:
            return None
        self._trailer_bytes += len(line)
        if not line:
            self._check_trailer()
            self._is_done = True
            return iter(())
        name, colon, value = line.partition(b":")
        if not self._has_trailer or not colon or self._trailer_bytes > _MAX_TRAILER_BYTES:
            raise S3Error("MalformedTrailerError", f"{bytes(line[:40])!r} was not announced")
        self.trailers[name.decode("latin-1").strip().lower()] = value.decode("latin-1").strip()
        return iter(())

    def _line(self, limit: int) -> bytearray | None:
        end = self._buffer.find(b"\n", 0, limit + 2)
        if end < 0:
            if len(self._buffer) > limit:
                raise S3Error("IncompleteBody", "a line between the chunks is too long")
            return None
        line = self._buffer[:end]
        del self._buffer[: end + 1]
        return line.removesuffix(b"\r")

    def _check_chunk(self) -> None:
        if self._signed is not None:
            expected = self._signed.of_chunk(self._previous, self._sha256.hexdigest())
            self._require(expected, self._claimed, "a chunk's")
            self._previous = expected

    def _check_trailer(self) -> None:
        claimed = self.trailers.pop(_TRAILER_SIGNATURE, "")
        if self._signed is not None and self._has_trailer:
            lines = "".join(f"{name}:{value}\n" for name, value in self.trailers.items())
            sha256 = hashlib.sha256(lines.encode("latin-1")).hexdigest()
            self._require(self._signed.of_trailer(self._previous, sha256), claimed, "the trailer's")

    def _require(self, expected: str, claimed: str, whose: str) -> None:
        if not hmac.compare_digest(expected.encode(), claimed.encode()):
            raise S3Error("SignatureDoesNotMatch", f"{whose} signature is wrong")
