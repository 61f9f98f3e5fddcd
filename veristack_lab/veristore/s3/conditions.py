"""Conditional requests (RFC 9110, section 13; S3's "conditional writes").

Reads are judged here, in the RFC's order of precedence. Writes are judged by the object store
at its commit point: only there is "no object exists yet" a promise. As commits to one key
wait for each other, S3's 409 ConditionalRequestConflict cannot occur.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from veristack_lab.veristore.objects.conditions import Condition
from veristack_lab.veristore.s3.errors import S3Error, not_implemented


class Verdict(enum.Enum):
    """What a read's conditions lead to."""

    GO_ON = 200
    NOT_MODIFIED = 304
    FAILED = 412


def judge_read(
    headers: Mapping[str, str], etag: str, modified_ms: int, *, prefix: str = ""
) -> Verdict:
    """Judge the conditions of a read.

    Args:
        headers: the request's headers, names in lower case.
        etag: the object's ETag, without quotes.
        modified_ms: when the object was committed; HTTP compares whole seconds.
        prefix: the prefix of the conditions' names: `x-amz-copy-source-` for the source of a copy.
    """
    modified_s = modified_ms // 1000
    match = headers.get(prefix + "if-match")
    unmodified_since = _seconds(headers.get(prefix + "if-unmodified-since"))
    if match is not None:
        if not _matches(match, etag, is_weak=False):
            return Verdict.FAILED
    elif unmodified_since is not None and modified_s > unmodified_since:
        return Verdict.FAILED
    none_match = headers.get(prefix + "if-none-match")
    modified_since = _seconds(headers.get(prefix + "if-modified-since"))
    if none_match is not None:
        if _matches(none_match, etag, is_weak=True):
            return Verdict.NOT_MODIFIED
    elif modified_since is not None and modified_s <= modified_since:
        return Verdict.NOT_MODIFIED
    return Verdict.GO_ON


def allows_range(headers: Mapping[str, str], etag: str, modified_ms: int) -> bool:
    """Whether `If-Range` (RFC 9110, 13.1.5) keeps the range; otherwise the whole object is sent."""
    validator = headers.get("if-range")
    if validator is None:
        return True
    if validator.startswith('"'):
        return _unquoted(validator) == etag
    return _seconds(validator) == modified_ms // 1000


def write_condition(headers: Mapping[str, str]) -> Condition:
    """The condition of a PUT, of a completed upload or of a DELETE.

    Raises:
        S3Error: NotImplemented for what S3 does not know of a write either: an
            If-None-Match other than `*`, dates, several tags.
    """
    none_match, match = headers.get("if-none-match"), headers.get("if-match")
    if none_match is not None and none_match.strip() != "*":
        raise not_implemented("If-None-Match of a write other than *")
    if none_match is not None and match is not None:
        raise not_implemented("If-Match together with If-None-Match of a write")
    for name in ("if-modified-since", "if-unmodified-since"):
        if name in headers:
            raise not_implemented(f"{name} of a write")
    if match is None:
        return Condition(if_none_match=none_match is not None)
    tags = _tags(match)
    if len(tags) != 1 or tags[0].startswith("W/"):
        raise not_implemented("If-Match of a write with other than one strong tag")
    return Condition(if_match=_unquoted(tags[0]))


def require_copy_source(headers: Mapping[str, str], etag: str, modified_ms: int) -> None:
    """Hold a copy to its conditions on the source. Raises `S3Error` PreconditionFailed."""
    verdict = judge_read(headers, etag, modified_ms, prefix="x-amz-copy-source-")
    if verdict is not Verdict.GO_ON:
        raise precondition_failed("x-amz-copy-source-if-*")


def precondition_failed(name: str) -> S3Error:
    """The refusal of a request whose condition does not hold."""
    return S3Error(
        "PreconditionFailed",
        "at least one of the preconditions that you specified does not hold",
        details={"Condition": name},
    )


def _matches(header: str, etag: str, *, is_weak: bool) -> bool:
    tags = _tags(header)
    if tags == ["*"]:
        return True
    if is_weak:
        tags = [tag.removeprefix("W/") for tag in tags]
    return any(_unquoted(tag) == etag for tag in tags)


def _tags(header: str) -> list[str]:
    """The tags of a list. S3's tags have no comma in them."""
    return [tag.strip() for tag in header.split(",") if tag.strip()]


def _unquoted(tag: str) -> str:
    return tag[1:-1] if len(tag) >= 2 and tag[0] == tag[-1] == '"' else tag


def _seconds(header: str | None) -> int | None:
    """A date of HTTP in seconds since 1970; None if it is not a date; then it is ignored."""
    if header is None:
        return None
    try:
        return int(parsedate_to_datetime(header).timestamp())
    except (ValueError, OverflowError):
        return None
