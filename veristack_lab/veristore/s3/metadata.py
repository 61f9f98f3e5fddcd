"""User metadata on its way through headers, which carry ASCII: RFC 2047, as S3 does it.

A value of other characters is returned as `=?UTF-8?B?...?=`. A client may send it that way, or as
plain UTF-8. An ASCII value is returned as it is, unless it looks like an encoded one.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping

METADATA_PREFIX = "x-amz-meta-"

_WORD = re.compile(r"=\?([A-Za-z0-9-]{1,40})\?([bBqQ])\?([!-<>@-~=]*)\?=")
_GAP = re.compile(r"(?<=\?=)[ \t]+(?==\?)")
_CHARSETS = {"utf-8": "utf-8", "us-ascii": "ascii", "iso-8859-1": "latin-1"}


def metadata_of(headers: Mapping[str, str]) -> dict[str, str]:
    """The metadata in a request's or an answer's headers."""
    return {
        name.removeprefix(METADATA_PREFIX): decoded(value)
        for name, value in headers.items()
        if name.startswith(METADATA_PREFIX)
    }


def metadata_headers(metadata: Mapping[str, str]) -> dict[str, str]:
    """The headers that tell metadata; what `metadata_of` reads back."""
    return {METADATA_PREFIX + name: encoded(value) for name, value in metadata.items()}


def encoded(value: str) -> str:
    """A value as a header has it, in ASCII."""
    if value.isascii() and decoded(value) == value:
        return value
    return f"=?UTF-8?B?{base64.b64encode(value.encode()).decode()}?="


def decoded(value: str) -> str:
    """What a header's value means; what is not an encoded word means itself."""
    if "=?" not in value:
        return value
    # blanks between two encoded words only separate them (RFC 2047, 6.2)
    return _WORD.sub(_word, _GAP.sub("", value))


def _word(match: re.Match[str]) -> str:
    charset = _CHARSETS.get(match[1].lower())
    if charset is None:
        return match[0]
    try:
        return _bytes(match[3], is_base64=match[2] in "bB").decode(charset)
    except (binascii.Error, UnicodeDecodeError):
        return match[0]


def _bytes(text: str, *, is_base64: bool) -> bytes:
    if is_base64:
        return base64.b64decode(text, validate=True)
    quoted = text.replace("_", " ").encode("ascii")
    return re.sub(
        rb"=([0-9A-Fa-f]{2})", lambda found: bytes.fromhex(found[1].decode("ascii")), quoted
    )
