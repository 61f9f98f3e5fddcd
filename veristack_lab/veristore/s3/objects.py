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
from veristack_lab.veristore.s3.selection import part_span, selected_part
from veristack_lab.veristore.s3.versions import version_headers

_PARAMETERS = (*OVERRIDE_PARAMETERS, "versionId", "partNumber")


def get_object(objects: ObjectStore, request: S3Request) -> Answer:
    """GetObject: the whole of it, one range, or one part."""
    request.allow_query(*_PARAMETERS)
    changed = {**overrides(request.query), **version_headers(request)}
    while True:
        answer, info, (start, end) = _describe(objects, request)
        if answer.status >= 300:
            return answer
        reader = _open(objects, info, start, end)
        if reader is not None:
            answer.headers |= changed
            answer.reader = reader
            return answer


def head_object(objects: ObjectStore, request: S3Request) -> Answer:
    """HeadObject: what GetObject would answer, without the content."""
    request.allow_query(*_PARAMETERS)
    changed = {**overrides(request.query), **version_headers(request)}
    answer, _, _ = _describe(objects, request)
    answer.headers |= changed
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
    """DeleteObject: a missing object is not an error, unless If-Match asks for it."""
    request.allow_query("versionId")
    headers = version_headers(request)
    condition = write_condition(request.headers)
    if condition.if_none_match:
        raise not_implemented("If-None-Match of a deletion")
    objects.delete(request.bucket, request.key, if_match=condition.if_match)
    return Answer(status=204, headers=headers)


def _describe(
    objects: ObjectStore, request: S3Request
) -> tuple[Answer, ObjectInfo, tuple[int, int]]:
    """Status and headers of a read whose conditions may not hold, the object, and the bytes."""
    number = selected_part(request)
    info, sizes = objects.part_sizes(request.bucket, request.key)
    verdict = judge_read(request.headers, info.etag, info.created_ms)
    if verdict is Verdict.FAILED:
        raise precondition_failed("If-Match or If-Unmodified-Since")
    if verdict is Verdict.NOT_MODIFIED:
        return Answer(status=304, headers=validators(info)), info, (0, 0)
    headers = object_headers(info, request.headers)
    span = _span(info, request) if number is None else part_span(number, info, sizes)
    if number is not None and sizes:
        headers["x-amz-mp-parts-count"] = str(len(sizes))
    if span is None:
        headers["content-length"] = str(info.size_bytes)
        return Answer(headers=headers), info, (0, info.size_bytes)
    start, end = span
    if end - start < info.size_bytes:
        headers = {name: value for name, value in headers.items() if "-checksum-" not in name}
    headers["content-range"] = f"bytes {start}-{end - 1}/{info.size_bytes}"
    headers["content-length"] = str(end - start)
    return Answer(status=206, headers=headers), info, span


def _span(info: ObjectInfo, request: S3Request) -> tuple[int, int] | None:
    if not allows_range(request.headers, info.etag, info.created_ms):
        return None
    return parse_range(request.headers.get("range"), info.size_bytes)


def _open(objects: ObjectStore, info: ObjectInfo, start: int, end: int) -> ObjectReader | None:
    """A reader of just this content, or None if the object was replaced since."""
    if start == end:  # an empty object, or an empty last part: no range describes it
        reader = objects.open(info.bucket, info.key)
    else:
        reader = objects.open(info.bucket, info.key, start=start, end=end)
    if reader.info == info:
        return reader
    reader.close()
    return None
