"""CopyObject, and where a copy comes from."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from veristack_lab.veristore.objects.store import ObjectStore
from veristack_lab.veristore.objects.types import ObjectInfo, PartInfo
from veristack_lab.veristore.s3.checksums import checksum_elements, known_algorithm
from veristack_lab.veristore.s3.conditions import require_copy_source, write_condition
from veristack_lab.veristore.s3.errors import S3Error
from veristack_lab.veristore.s3.headers import facts, notes_of
from veristack_lab.veristore.s3.request import Answer, S3Request, split_path, xml_answer
from veristack_lab.veristore.s3.versions import check_version
from veristack_lab.veristore.s3.xml import moment

SOURCE_HEADER = "x-amz-copy-source"


def copy_object(objects: ObjectStore, request: S3Request) -> Answer:
    """CopyObject, with the source's metadata or (REPLACE) with the request's, and with the
    source's checksum or another one.

    The source is held to its conditions as it was when opened, and that is what is copied.
    """
    request.allow_query()
    source = copy_source(request)
    condition = write_condition(request.headers)
    is_replacing = _is_replacing(request)
    headers = request.headers
    with objects.open(*source) as reader:
        found = reader.info
        require_copy_source(headers, found.etag, found.created_ms)
        algorithm = known_algorithm(headers.get("x-amz-checksum-algorithm", ""), default="")
        is_changing = is_replacing or _is_another(algorithm, found)
        if source == (request.bucket, request.key) and not is_changing:
            raise S3Error(
                "InvalidRequest",
                "this copy would change nothing: an object is copied to itself only with "
                "x-amz-metadata-directive: REPLACE, or to get another x-amz-checksum-algorithm",
            )
        notes = notes_of(headers) if is_replacing else found
        info = objects.put(
            request.bucket,
            request.key,
            reader,
            content_type=notes.content_type,
            metadata=notes.metadata,
            headers=notes.headers,
            if_none_match=condition.if_none_match,
            if_match=condition.if_match,
            expect=dict.fromkeys([algorithm] if algorithm else found.checksums, ""),
        )
    answer = xml_answer("CopyObjectResult", result_of(info))
    answer.headers |= facts(info, request.headers)
    return answer


def copy_source(request: S3Request) -> tuple[str, str]:
    """Bucket and key that a copy comes from. Raises `S3Error`."""
    path, _, version = request.headers[SOURCE_HEADER].partition("?versionId=")
    check_version(version)
    if not path.isascii():
        raise S3Error("InvalidArgument", "x-amz-copy-source is BUCKET/KEY, percent-encoded")
    # Some clients quote the slash between bucket and key as well.
    bucket, key = split_path(_with_slash(path.removeprefix("/").encode()))
    if not bucket or not key:
        raise S3Error("InvalidArgument", "x-amz-copy-source is BUCKET/KEY, percent-encoded")
    return bucket, key


def result_of(made: ObjectInfo | PartInfo) -> list[tuple[str, str]]:
    """The elements of a copy's answer."""
    return [
        ("LastModified", moment(made.created_ms)),
        ("ETag", f'"{made.etag}"'),
        *checksum_elements(made.checksums),
    ]


def _is_another(algorithm: str, found: ObjectInfo) -> bool:
    """Whether an object would get a checksum that it has not: of this algorithm, or in the place
    of a composite one, for a copy is written in one piece."""
    return bool(algorithm) and "-" in found.checksums.get(algorithm, "-")


def _with_slash(path: bytes) -> bytes:
    return path if b"/" in path else unquote_to_bytes(path).replace(b"%", b"%25")


def _is_replacing(request: S3Request) -> bool:
    directive = request.headers.get("x-amz-metadata-directive", "COPY").upper()
    if directive not in ("COPY", "REPLACE"):
        raise S3Error("InvalidArgument", "x-amz-metadata-directive is COPY or REPLACE")
    return directive == "REPLACE"
