"""ListObjectsV2 and ListObjects: pages of a bucket's keys in UTF-8 byte order."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from urllib.parse import quote

from veristack_lab.veristore.objects.store import ObjectStore
from veristack_lab.veristore.objects.types import MAX_PAGE, ObjectInfo, Page
from veristack_lab.veristore.s3.checksums import DIGEST_BYTES, checksum_elements
from veristack_lab.veristore.s3.errors import S3Error
from veristack_lab.veristore.s3.headers import INFO_HEADER
from veristack_lab.veristore.s3.request import Answer, S3Request, xml_answer
from veristack_lab.veristore.s3.xml import INFO_ELEMENT, Children, info_json, moment

_COMMON = ("prefix", "delimiter", "max-keys", "encoding-type")
_TOKEN_VERSION = b"1:"


def list_objects_v2(objects: ObjectStore, request: S3Request) -> Answer:
    """ListObjectsV2. A continuation token overrules start-after."""
    request.allow_query(*_COMMON, "list-type", "start-after", "continuation-token", "fetch-owner")
    if request.query["list-type"] != "2":
        raise S3Error("InvalidArgument", "list-type is 2, or absent for the first version")
    token = request.query.get("continuation-token")
    after = request.query.get("start-after", "")
    page = _page(objects, request, after if token is None else _after(token))
    encode = _encoding(request)
    head = [*_head(request, encode), ("KeyCount", str(len(page)))]
    if token is not None:
        head.append(("ContinuationToken", token))
    if after:
        head.append(("StartAfter", encode(after)))
    if page.next_start_after is not None:
        head.append(("NextContinuationToken", _token(page.next_start_after)))
    return _answer(request, page, head, encode)


def list_objects(objects: ObjectStore, request: S3Request) -> Answer:
    """ListObjects, the first version, whose marker is a key or a common prefix."""
    request.allow_query(*_COMMON, "marker")
    marker = request.query.get("marker", "")
    page = _page(objects, request, marker)
    encode = _encoding(request)
    head = [*_head(request, encode), ("Marker", encode(marker))]
    if page.next_start_after is not None and request.query.get("delimiter"):
        head.append(("NextMarker", encode(page.next_start_after)))
    return _answer(request, page, head, encode)


def _page(objects: ObjectStore, request: S3Request, after: str) -> Page:
    return objects.list_page(
        request.bucket,
        prefix=request.query.get("prefix", ""),
        delimiter=request.query.get("delimiter", ""),
        start_after=after,
        max_keys=request.number("max-keys", MAX_PAGE, largest=MAX_PAGE),
    )


def _encoding(request: S3Request) -> Callable[[str], str]:
    kind = request.query.get("encoding-type")
    if kind not in (None, "url"):
        raise S3Error("InvalidArgument", "encoding-type is url, or absent")
    return str if kind is None else quote


def _head(request: S3Request, encode: Callable[[str], str]) -> list[tuple[str, str]]:
    head = [
        ("Name", request.bucket),
        ("Prefix", encode(request.query.get("prefix", ""))),
        ("MaxKeys", str(request.number("max-keys", MAX_PAGE, largest=MAX_PAGE))),
    ]
    if delimiter := request.query.get("delimiter"):
        head.append(("Delimiter", encode(delimiter)))
    if encode is quote:
        head.append(("EncodingType", "url"))
    return head


def _answer(
    request: S3Request, page: Page, head: list[tuple[str, str]], encode: Callable[[str], str]
) -> Answer:
    is_ours = INFO_HEADER in request.headers
    children: list[tuple[str, str | Children]] = [
        *head,
        ("IsTruncated", str(page.is_truncated).lower()),
        *(("Contents", _contents(info, encode, is_ours=is_ours)) for info in page.objects),
        *(("CommonPrefixes", [("Prefix", encode(name))]) for name in page.common_prefixes),
    ]
    return xml_answer("ListBucketResult", children)


def _contents(info: ObjectInfo, encode: Callable[[str], str], *, is_ours: bool) -> Children:
    contents = [
        ("Key", encode(info.key)),
        ("LastModified", moment(info.created_ms)),
        ("ETag", f'"{info.etag}"'),
        *_checksum_facts(info),
        ("Size", str(info.size_bytes)),
        ("StorageClass", "STANDARD"),
    ]
    return [*contents, (INFO_ELEMENT, info_json(info))] if is_ours else contents


def _checksum_facts(info: ObjectInfo) -> list[tuple[str, str]]:
    algorithms = [name for name in info.checksums if name in DIGEST_BYTES]
    if not algorithms:
        return []
    kind = dict(checksum_elements(info.checksums))["ChecksumType"]
    return [*(("ChecksumAlgorithm", name.upper()) for name in algorithms), ("ChecksumType", kind)]


def _token(after: str) -> str:
    """Opaque to clients, who may only hand it back."""
    return base64.urlsafe_b64encode(_TOKEN_VERSION + after.encode()).decode()


def _after(token: str) -> str:
    try:
        plain = base64.b64decode(token, altchars=b"-_", validate=True)
        if not plain.startswith(_TOKEN_VERSION):
            raise ValueError(plain)
        return plain.removeprefix(_TOKEN_VERSION).decode()
    except (binascii.Error, ValueError):
        raise S3Error(
            "InvalidArgument", "the continuation token is not one that this server gave"
        ) from None
