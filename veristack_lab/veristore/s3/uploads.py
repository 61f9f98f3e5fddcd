"""ListParts and ListMultipartUploads."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from veristack_lab.veristore.objects.store import ObjectStore
from veristack_lab.veristore.objects.types import MAX_PARTS, UploadInfo
from veristack_lab.veristore.s3.checksums import DIGEST_BYTES, header_value
from veristack_lab.veristore.s3.errors import S3Error
from veristack_lab.veristore.s3.request import Answer, S3Request, xml_answer
from veristack_lab.veristore.s3.xml import Children, moment

MAX_LISTED = 1000


def list_parts(objects: ObjectStore, request: S3Request) -> Answer:
    """ListParts, a page at a time."""
    request.allow_query("uploadId", "max-parts", "part-number-marker", "encoding-type")
    upload_id = request.query["uploadId"]
    limit = request.number("max-parts", MAX_LISTED, largest=MAX_LISTED)
    marker = request.number("part-number-marker", 0, largest=MAX_PARTS)
    parts = objects.parts(request.bucket, request.key, upload_id)
    rest = [part for part in parts if part.number > marker]
    page = rest[:limit]
    children: list[tuple[str, str | Children]] = [
        ("Bucket", request.bucket),
        ("Key", _encoding(request)(request.key)),
        ("UploadId", upload_id),
        ("PartNumberMarker", str(marker)),
        ("NextPartNumberMarker", str(page[-1].number if page else marker)),
        ("MaxParts", str(limit)),
        ("IsTruncated", str(len(rest) > len(page) > 0).lower()),
        ("StorageClass", "STANDARD"),
    ]
    for part in page:
        checksums = [
            (f"Checksum{name.upper()}", header_value(digest))
            for name, digest in part.checksums.items()
            if name in DIGEST_BYTES
        ]
        facts = [
            ("PartNumber", str(part.number)),
            ("LastModified", moment(part.created_ms)),
            ("ETag", f'"{part.etag}"'),
            ("Size", str(part.size_bytes)),
        ]
        children.append(("Part", [*facts, *checksums]))
    return xml_answer("ListPartsResult", children)


def list_uploads(objects: ObjectStore, request: S3Request) -> Answer:
    """ListMultipartUploads, a page at a time, ordered by key and by the time of their start."""
    request.allow_query(
        *("uploads", "prefix", "max-uploads", "key-marker", "upload-id-marker", "encoding-type")
    )
    prefix, limit = (
        request.query.get("prefix", ""),
        request.number("max-uploads", MAX_LISTED, largest=MAX_LISTED),
    )
    encode = _encoding(request)
    rest = _after_marker(objects.uploads(request.bucket, prefix), request)
    page = rest[:limit]
    children: list[tuple[str, str | Children]] = [
        ("Bucket", request.bucket),
        ("KeyMarker", encode(request.query.get("key-marker", ""))),
        ("UploadIdMarker", request.query.get("upload-id-marker", "")),
        ("Prefix", encode(prefix)),
        ("MaxUploads", str(limit)),
        ("IsTruncated", str(len(rest) > len(page) > 0).lower()),
    ]
    if page:
        children += [
            ("NextKeyMarker", encode(page[-1].key)),
            ("NextUploadIdMarker", page[-1].upload_id),
        ]
    for upload in page:
        facts = [
            ("Key", encode(upload.key)),
            ("UploadId", upload.upload_id),
            ("StorageClass", "STANDARD"),
            ("Initiated", moment(upload.started_ms)),
        ]
        children.append(("Upload", facts))
    return xml_answer("ListMultipartUploadsResult", children)


def _after_marker(uploads: list[UploadInfo], request: S3Request) -> list[UploadInfo]:
    """Those after the marker: later keys, and with an id also later uploads of that key."""
    marker = request.query.get("key-marker", "").encode()
    upload_id = request.query.get("upload-id-marker", "")
    if not marker:
        return uploads
    after = [upload for upload in uploads if upload.key.encode() > marker]
    if not upload_id:
        return after
    same = [upload for upload in uploads if upload.key.encode() == marker]
    known = next((n for n, upload in enumerate(same) if upload.upload_id == upload_id), None)
    return (same if known is None else same[known + 1 :]) + after


def _encoding(request: S3Request) -> Callable[[str], str]:
    kind = request.query.get("encoding-type")
    if kind not in (None, "url"):
        raise S3Error("InvalidArgument", "encoding-type is url, or absent")
    return str if kind is None else quote
