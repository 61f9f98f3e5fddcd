"""The `Range` header: which bytes of an object are asked for (RFC 9110, section 14)."""

from __future__ import annotations

import re

from veristack_lab.veristore.s3.errors import S3Error

_ONE_RANGE = re.compile(r"bytes=\s*(\d*)\s*-\s*(\d*)\s*", re.ASCII | re.IGNORECASE)
_MAX_DIGITS = 20


def parse_range(header: str | None, size_bytes: int) -> tuple[int, int] | None:
    """The first byte and the one after the last, or None for the whole object.

    Anything but a range of bytes is ignored, as the RFC asks; so are several ranges at once,
    which S3 does not serve either.

    Raises:
        S3Error: InvalidRange (416), when no byte of the object is in the range.
    """
    match = _ONE_RANGE.fullmatch(header or "")
    if match is None or max(map(len, match.groups())) > _MAX_DIGITS:
        return None
    first, last = match.groups()
    if not first and not last:
        return None
    if not first:
        start, end = max(size_bytes - int(last), 0), size_bytes
    else:
        start, end = int(first), int(last) + 1 if last else size_bytes
        if last and int(last) < start:
            return None  # not a range, so ignored, as the RFC asks
    if start >= size_bytes or start >= end:
        raise S3Error(
            "InvalidRange",
            "the requested range has no byte of the object in it",
            details={"RangeRequested": str(header), "ActualObjectSize": str(size_bytes)},
            headers={"content-range": f"bytes */{size_bytes}"},
        )
    return start, min(end, size_bytes)


def parse_copy_range(header: str, size_bytes: int) -> tuple[int, int]:
    """The range of `x-amz-copy-source-range`, which must have both ends and lie in the source.

    Raises:
        S3Error: InvalidArgument.
    """
    match = _ONE_RANGE.fullmatch(header)
    if match is None or not all(match.groups()) or max(map(len, match.groups())) > _MAX_DIGITS:
        raise S3Error(
            "InvalidArgument", f"x-amz-copy-source-range is {header!r:.60}; give bytes=FIRST-LAST"
        )
    first, last = (int(group) for group in match.groups())
    if not first <= last < size_bytes:
        raise S3Error(
            "InvalidArgument", f"the source has {size_bytes} bytes; {header} is not within them"
        )
    return first, last + 1
