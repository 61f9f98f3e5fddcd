"""How names are written in listings: as they are, or percent-encoded if a client asks for it."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from veristack_lab.veristore.s3.errors import S3Error
from veristack_lab.veristore.s3.request import S3Request


def encoding_of(request: S3Request) -> Callable[[str], str]:
    """How to write a name. Raises `S3Error` InvalidArgument."""
    kind = request.query.get("encoding-type")
    if kind not in (None, "url"):
        raise S3Error("InvalidArgument", "encoding-type is url, or absent")
    return str if kind is None else quote
