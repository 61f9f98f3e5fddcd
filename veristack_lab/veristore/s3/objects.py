"""Operations on objects: GET, HEAD, PUT, DELETE."""

from __future__ import annotations

from veristack_lab.errors import ChecksumMismatch
from veristack_lab.veristore.objects.reader import ObjectReader
from veristack_lab.veristore.objects.store import ObjectStore
from veristack_lab.veristore.objects.types import ObjectInfo
from veristack_lab.veristore.s3.checksums import checksum_headers
from veristack_lab.veristore.s3.conditions import (
    Verdict,
    allows_range,
    judge_read,
    precondition_failed,
    write_condition,
)
from veristack_lab.veristore.s3.errors import S3Error, not_implemented
from veristack_lab.veristore.s3.headers import (
    OVERRIDE_PARAMETERS,
    facts,
    notes_of,
    object_headers,
    overrides,
    validators,
)
from veristack_lab.veristore.s3.range import parse_range
from veristack_lab.veristore.s3.request import Answer, S3Request


def get_object(objects: ObjectStore, request: S3Request) -> Answer:
    """GetObject: the whole of it, or one range."""
    request.allow_query(*OVERRIDE_PARAMETERS)
    changed = overrides(request.query)
    while True:
        info = objects.head(request.bucket, request.key)
        answer = _describe(info, request)
        if answer.status >= 300:
            return answer
        start, end = _span(info, request) or (0, info.size_bytes)
        reader = _open(objects, info, start, end)
        if reader is not None:
            answer.headers |= changed
            answer.reader = reader
            return answer


def head_object(objects: ObjectStore, request: S3Request) -> Answer:
    """HeadObject: what GetObject would answer, without the content."""
    request.allow_query(*OVERRIDE_PARAMETERS)
    answer = _describe(objects.head(request.bucket, request.key), request)
    answer.headers |= overrides(request.query)
    return answer


def put_object(objects: ObjectStore, request: S3Request) -> Answer:
    """PutObject. Its commit point, where conditions are judged too, is the store's."""
    request.allow_query()
    condition, notes = write_condition(request.headers), notes_of(request.headers)
    try:
        info = objects.put(
            request.bucket,
            request.key,
            request.body.chunks(),
            content_type=notes.content_type,
            metadata=notes.metadata,
            headers=notes.headers,
            if_none_match=condition.if_none_match,
            if_match=condition.if_match,
            expect=request.body.expected,
        )
    except ChecksumMismatch as error:
        raise S3Error("BadDigest", str(error)) from error
    return Answer(
        headers={
            **validators(info),
            **checksum_headers(info.checksums),
            **facts(info, request.headers),
        }
    )


def delete_object(objects: ObjectStore, request: S3Request) -> Answer:
    """DeleteObject: no error if it is not there, unless If-Match asks for it."""
    request.allow_query()
    condition = write_condition(request.headers)
    if condition.if_none_match:
        raise not_implemented("If-None-Match of a deletion")
    objects.delete(request.bucket, request.key, if_match=condition.if_match)
    return Answer(status=204)


def _describe(info: ObjectInfo, request: S3Request) -> Answer:
    """Status and headers of a read whose conditions may not hold."""
    verdict = judge_read(request.headers, info.etag, info.created_ms)
    if verdict is Verdict.FAILED:
        raise precondition_failed("If-Match or If-Unmodified-Since")
    if verdict is Verdict.NOT_MODIFIED:
        return Answer(status=304, headers=validators(info))
    headers = object_headers(info, request.headers)
    span = _span(info, request)
    if span is None:
        headers["content-length"] = str(info.size_bytes)
        return Answer(headers=headers)
    start, end = span
    headers = {name: value for name, value in headers.items() if "-checksum-" not in name}
    headers["content-range"] = f"bytes {start}-{end - 1}/{info.size_bytes}"
    headers["content-length"] = str(end - start)
    return Answer(status=206, headers=headers)


def _span(info: ObjectInfo, request: S3Request) -> tuple[int, int] | None:
    if not allows_range(request.headers, info.etag, info.created_ms):
        return None
    return parse_range(request.headers.get("range"), info.size_bytes)


def _open(objects: ObjectStore, info: ObjectInfo, start: int, end: int) -> ObjectReader | None:
    """A reader of just this content, or None if the object was replaced since."""
    if start == end:  # an empty object: there is no such range
        reader = objects.open(info.bucket, info.key)
    else:
        reader = objects.open(info.bucket, info.key, start=start, end=end)
    if reader.info == info:
        return reader
    reader.close()
    return None
