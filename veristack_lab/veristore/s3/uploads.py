"""ListParts and ListMultipartUploads."""

from __future__ import annotations

from collections.abc import Callable

from veristack_lab.veristore.objects.store import ObjectStore
from veristack_lab.veristore.objects.types import MAX_PARTS, PartInfo, UploadInfo
from veristack_lab.veristore.s3.checksums import DIGEST_BYTES, header_value
from veristack_lab.veristore.s3.names import encoding_of
from veristack_lab.veristore.s3.owner import INITIATOR, OWNER
from veristack_lab.veristore.s3.request import Answer, S3Request, xml_answer
from veristack_lab.veristore.s3.xml import Children, moment

MAX_LISTED = 1000


def list_parts(objects: ObjectStore, request: S3Request) -> Answer:
    """ListParts, a page at a time."""
    request.allow_query("uploadId", "max-parts", "part-number-marker", "encoding-type")
    upload_id = request.query["uploadId"]
    limit = request.number("max-parts", MAX_LISTED, largest=MAX_LISTED)
    marker = request.number("part-number-marker", 0, largest=MAX_PARTS)
    upload = objects.upload(request.bucket, request.key, upload_id)
    parts = objects.parts(request.bucket, request.key, upload_id)
    rest = [part for part in parts if part.number > marker]
    page = rest[:limit]
    children: list[tuple[str, str | Children]] = [
        ("Bucket", request.bucket),
        ("Key", encoding_of(request)(request.key)),
        ("UploadId", upload_id),
        INITIATOR,
        OWNER,
        ("StorageClass", "STANDARD"),
        *_checksum(upload),
        ("PartNumberMarker", str(marker)),
        ("NextPartNumberMarker", str(page[-1].number if page else marker)),
        ("MaxParts", str(limit)),
        ("IsTruncated", str(len(rest) > len(page) > 0).lower()),
    ]
    return xml_answer("ListPartsResult", [*children, *(("Part", _part(part)) for part in page)])


def _part(part: PartInfo) -> Children:
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
    return [*facts, *checksums]


def list_uploads(objects: ObjectStore, request: S3Request) -> Answer:
    """ListMultipartUploads, a page at a time, ordered by key and by the time of their start.

    With a delimiter, uploads whose keys have it after the prefix are shown as one common prefix.
    """
    request.allow_query(
        *("uploads", "prefix", "delimiter", "max-uploads", "key-marker", "upload-id-marker"),
        "encoding-type",
    )
    prefix, delimiter = (request.query.get(name, "") for name in ("prefix", "delimiter"))
    limit = request.number("max-uploads", MAX_LISTED, largest=MAX_LISTED)
    encode = encoding_of(request)
    rest = _after_marker(_entries(objects.uploads(request.bucket, prefix), request), request)
    page = rest[:limit]
    children: list[tuple[str, str | Children]] = [
        ("Bucket", request.bucket),
        ("KeyMarker", encode(request.query.get("key-marker", ""))),
        ("UploadIdMarker", request.query.get("upload-id-marker", "")),
        ("Prefix", encode(prefix)),
        ("MaxUploads", str(limit)),
        ("IsTruncated", str(len(rest) > len(page) > 0).lower()),
    ]
    if delimiter:
        children.append(("Delimiter", encode(delimiter)))
    if "encoding-type" in request.query:
        children.append(("EncodingType", "url"))
    if page:
        last = page[-1]
        children += [
            ("NextKeyMarker", encode(_name(last))),
            ("NextUploadIdMarker", "" if isinstance(last, str) else last.upload_id),
        ]
    children += [("Upload", _upload(e, encode)) for e in page if isinstance(e, UploadInfo)]
    children += [("CommonPrefixes", [("Prefix", encode(e))]) for e in page if isinstance(e, str)]
    return xml_answer("ListMultipartUploadsResult", children)


def _upload(upload: UploadInfo, encode: Callable[[str], str]) -> Children:
    return [
        ("Key", encode(upload.key)),
        ("UploadId", upload.upload_id),
        INITIATOR,
        OWNER,
        ("StorageClass", "STANDARD"),
        ("Initiated", moment(upload.started_ms)),
        *_checksum(upload),
    ]


def _checksum(upload: UploadInfo) -> list[tuple[str, str]]:
    if not upload.checksum:
        return []
    return [
        ("ChecksumAlgorithm", upload.checksum.upper()),
        ("ChecksumType", upload.checksum_type),
    ]


def _entries(uploads: list[UploadInfo], request: S3Request) -> list[UploadInfo | str]:
    """Uploads, and common prefixes in the place of those that they stand for, in order."""
    prefix, delimiter = (request.query.get(name, "") for name in ("prefix", "delimiter"))
    entries: list[UploadInfo | str] = []
    for upload in uploads:
        at = upload.key.find(delimiter, len(prefix)) if delimiter else -1
        entry = upload if at < 0 else upload.key[: at + len(delimiter)]
        if not entries or entries[-1] != entry:
            entries.append(entry)
    return entries


def _name(entry: UploadInfo | str) -> str:
    return entry if isinstance(entry, str) else entry.key


def _after_marker(entries: list[UploadInfo | str], request: S3Request) -> list[UploadInfo | str]:
    """The uploads after the marker: later names, and with an id also later uploads of that key."""
    marker = request.query.get("key-marker", "").encode()
    upload_id = request.query.get("upload-id-marker", "")
    if not marker:
        return entries
    after = [entry for entry in entries if _name(entry).encode() > marker]
    if not upload_id:
        return after
    same = [
        entry for entry in entries if isinstance(entry, UploadInfo) and entry.key.encode() == marker
    ]
    known = next((n for n, upload in enumerate(same) if upload.upload_id == upload_id), None)
    return [*(same if known is None else same[known + 1 :]), *after]
