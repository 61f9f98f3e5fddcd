"""Checksums in the headers of S3: base64 there, hexadecimal in the object store."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass

from veristack_lab.veristore.objects.digests import ALGORITHMS
from veristack_lab.veristore.objects.part_checksums import COMPOSITE, FULL_OBJECT
from veristack_lab.veristore.s3.errors import S3Error, not_implemented

PREFIX = "x-amz-checksum-"
DIGEST_BYTES = {"crc32": 4, "crc32c": 4, "crc64nvme": 8, "sha1": 20, "sha256": 32}
_NOT_ALGORITHMS = ("algorithm", "mode", "type")


@dataclass(frozen=True)
class Announced:
    """What a request's headers say about the checksums of its body."""

    expected: dict[str, str]
    """Algorithm to lower-case hexadecimal. The digest of one that follows the body in a
    trailing header is empty until then: the store looks at it when it has read the body."""
    trailing: str | None
    """The algorithm of the trailing checksum."""

    def learn(self, trailers: Mapping[str, str]) -> None:
        """Take the announced digest from the trailing headers. Raises `S3Error`."""
        if self.trailing is None:
            return
        name = PREFIX + self.trailing
        if name not in trailers:
            raise S3Error("MalformedTrailerError", f"the announced trailer {name} did not come")
        self.expected[self.trailing] = digest_of(self.trailing, trailers[name])


def announced(headers: Mapping[str, str]) -> Announced:
    """Read the headers.

    Raises:
        S3Error: InvalidDigest, InvalidRequest, or NotImplemented for an unknown algorithm.
    """
    expected: dict[str, str] = {}
    if "content-md5" in headers:
        digest = _decoded(headers["content-md5"], 16)
        if digest is None:
            raise S3Error("InvalidDigest", "Content-MD5 is not the base64 of 16 bytes")
        expected["md5"] = digest
    given = _given(headers)
    trailing = _trailing(headers)
    if len(given) + (trailing is not None) > 1:
        raise S3Error("InvalidRequest", f"expecting a single {PREFIX} header")
    for algorithm, text in given.items():
        expected[algorithm] = digest_of(algorithm, text)
    if trailing is not None:
        expected[trailing] = ""
    return Announced(expected, trailing)


def announced_object(headers: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """What a completion says about the checksum of its object: algorithm to hexadecimal, and the
    kind, which may be empty. Of a composite one the number of parts may follow after a dash.

    Raises:
        S3Error: InvalidRequest or NotImplemented.
    """
    given = _given(headers)
    if len(given) > 1:
        raise S3Error("InvalidRequest", f"expecting a single {PREFIX} header")
    expected = {}
    for algorithm, text in given.items():
        plain, dash, count = text.partition("-")
        if dash and not (count.isascii() and count.isdecimal()):
            raise S3Error("InvalidRequest", f"{PREFIX}{algorithm} is not a checksum of parts")
        expected[algorithm] = digest_of(algorithm, plain) + dash + count
    return expected, checksum_type(headers)


def checksum_type(headers: Mapping[str, str]) -> str:
    """The kind of checksum that a request names, or an empty text. Raises `S3Error`."""
    kind = headers.get(PREFIX + "type", "").upper()
    if kind not in ("", COMPOSITE, FULL_OBJECT):
        raise S3Error("InvalidRequest", f"{PREFIX}type is {COMPOSITE} or {FULL_OBJECT}")
    return kind


def known_algorithm(name: str, *, default: str | None = None) -> str:
    """An algorithm's name in lower case; the default for an empty one, if there is a default.

    Raises:
        S3Error: NotImplemented.
    """
    if not name and default is not None:
        return default
    if name.lower() not in DIGEST_BYTES or name.lower() not in ALGORITHMS:
        raise not_implemented(f"the checksum algorithm {name:.20}")
    return name.lower()


def digest_of(algorithm: str, text: str) -> str:
    """The digest in a header, in hexadecimal. Raises `S3Error`."""
    size = DIGEST_BYTES[known_algorithm(algorithm)]
    digest = _decoded(text, size)
    if digest is None:
        raise S3Error("InvalidRequest", f"{PREFIX}{algorithm} is not the base64 of {size} bytes")
    return digest


def header_value(digest: str) -> str:
    """A digest in hexadecimal as a header has it; the count of a composite one stays."""
    plain, dash, parts = digest.partition("-")
    return base64.b64encode(bytes.fromhex(plain)).decode() + dash + parts


def checksum_headers(checksums: Mapping[str, str]) -> dict[str, str]:
    """The headers that tell an object's checksums, with their type."""
    told = {name: digest for name, digest in checksums.items() if name in DIGEST_BYTES}
    headers = {PREFIX + name: header_value(digest) for name, digest in told.items()}
    if headers:
        is_composite = any("-" in digest for digest in told.values())
        headers[PREFIX + "type"] = COMPOSITE if is_composite else FULL_OBJECT
    return headers


def checksum_elements(checksums: Mapping[str, str]) -> list[tuple[str, str]]:
    """The same as elements of an answer: ChecksumCRC32 and the like, and ChecksumType."""
    return [(element_of(name), value) for name, value in checksum_headers(checksums).items()]


def element_of(header: str) -> str:
    """The XML element for a checksum's header."""
    name = header.removeprefix(PREFIX)
    return "ChecksumType" if name == "type" else f"Checksum{name.upper()}"


def _given(headers: Mapping[str, str]) -> dict[str, str]:
    """Algorithm to digest as the headers have it."""
    names = (name.removeprefix(PREFIX) for name in headers if name.startswith(PREFIX))
    return {name: headers[PREFIX + name] for name in names if name not in _NOT_ALGORITHMS}


def _trailing(headers: Mapping[str, str]) -> str | None:
    trailer = headers.get("x-amz-trailer")
    if trailer is None:
        return None
    name = trailer.strip().lower()
    if not name.startswith(PREFIX):
        raise not_implemented(f"the trailer {name:.40}")
    return known_algorithm(name.removeprefix(PREFIX))


def _decoded(text: str, size: int) -> str | None:
    try:
        digest = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):  # ValueError: not ASCII
        return None
    return digest.hex() if len(digest) == size else None
