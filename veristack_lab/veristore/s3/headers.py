"""Headers of objects: what a request may say, what is kept, what is returned."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from veristack_lab.veristore.objects.types import HEADER_NAMES, ObjectInfo
from veristack_lab.veristore.s3.checksums import checksum_headers
from veristack_lab.veristore.s3.errors import S3Error
from veristack_lab.veristore.s3.metadata import metadata_headers, metadata_of

DEFAULT_CONTENT_TYPE = "binary/octet-stream"
"""The content type that S3 gives to an upload without one."""
INFO_HEADER = "x-veristack-info"
"""Our own client asks with it for the facts that S3 has no place for."""
CREATED_HEADER = "x-veristack-created-ms"
SHA256_HEADER = "x-veristack-sha256"

_OVERRIDES = ("content-type", *sorted(HEADER_NAMES))
OVERRIDE_PARAMETERS = tuple(f"response-{name}" for name in _OVERRIDES)
_PRINTABLE = re.compile(r"[\x20-\x7e]*")


class Notes(Protocol):
    """What is kept with an object's content; an `ObjectInfo` has it too."""

    @property
    def content_type(self) -> str: ...

    @property
    def metadata(self) -> Mapping[str, str]: ...

    @property
    def headers(self) -> Mapping[str, str]: ...


@dataclass(frozen=True)
class GivenNotes:
    """What the request of an upload says about it."""

    content_type: str
    metadata: Mapping[str, str]
    headers: Mapping[str, str]


def notes_of(headers: Mapping[str, str]) -> Notes:
    """Content type, metadata and kept headers of an upload."""
    content_type = headers.get("content-type") or DEFAULT_CONTENT_TYPE
    return GivenNotes(content_type, metadata_of(headers), _kept_headers(headers))


def object_headers(info: ObjectInfo, request: Mapping[str, str]) -> dict[str, str]:
    """The headers that HEAD, and GET of the whole object, return."""
    headers = {
        **metadata_headers(info.metadata),
        **info.headers,
        "content-type": info.content_type,
        "accept-ranges": "bytes",
        **validators(info),
        **facts(info, request),
    }
    if request.get("x-amz-checksum-mode", "").upper() == "ENABLED":
        headers |= checksum_headers(info.checksums)
    return headers


def validators(info: ObjectInfo) -> dict[str, str]:
    """What conditions of later requests refer to."""
    return {"etag": f'"{info.etag}"', "last-modified": http_date(info.created_ms)}


def facts(info: ObjectInfo, request: Mapping[str, str]) -> dict[str, str]:
    """What S3 has no header for, if our own client asks."""
    if INFO_HEADER not in request:
        return {}
    return {CREATED_HEADER: str(info.created_ms), SHA256_HEADER: info.sha256}


def overrides(query: Mapping[str, str]) -> dict[str, str]:
    """Headers of the answer that a GET asks for. Raises `S3Error` InvalidArgument."""
    found = {name: query[f"response-{name}"] for name in _OVERRIDES if f"response-{name}" in query}
    require_printable(found.values())
    return found


def require_printable(values: Iterable[str]) -> None:
    """Refuse what would break out of a header. Raises `S3Error` InvalidArgument."""
    for value in values:
        if not _PRINTABLE.fullmatch(value):
            raise S3Error("InvalidArgument", f"{value!r:.60} cannot stand in a header")


def http_date(milliseconds: int) -> str:
    """A time in HTTP's format."""
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(milliseconds // 1000))


def _kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Those kept with an object, without `aws-chunked`, which concerns the transfer only."""
    kept = {name: value for name, value in headers.items() if name in HEADER_NAMES and value}
    if "content-encoding" in kept:
        codings = [coding.strip() for coding in kept.pop("content-encoding").split(",")]
        codings = [coding for coding in codings if coding.lower() not in ("aws-chunked", "")]
        if codings:
            kept["content-encoding"] = ",".join(codings)
    return kept
