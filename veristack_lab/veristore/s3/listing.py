"""ListObjectsV2 and ListObjects: pages of a bucket's keys in UTF-8 byte order."""

from __future__ import annotations

from collections.abc import Callable

from veristack_lab.veristore.objects.store import ObjectStore
from veristack_lab.veristore.objects.types import MAX_PAGE, ObjectInfo, Page
from veristack_lab.veristore.s3.checksums import DIGEST_BYTES, checksum_elements
from veristack_lab.veristore.s3.errors import S3Error
from veristack_lab.veristore.s3.headers import INFO_HEADER
from veristack_lab.veristore.s3.names import encoding_of
from veristack_lab.veristore.s3.owner import OWNER
from veristack_lab.veristore.s3.request import Answer, S3Request, xml_answer
from veristack_lab.veristore.s3.tokens import after_token, token_after
from veristack_lab.veristore.s3.xml import INFO_ELEMENT, Children, info_json, moment

_COMMON = ("prefix", "delimiter", "max-keys", "encoding-type")


def list_objects_v2(objects: ObjectStore, request: S3Request) -> Answer:
    """ListObjectsV2. A continuation token overrides start-after; an empty token counts as
    absent."""
    request.allow_query(*_COMMON, "list-type", "start-after", "continuation-token", "fetch-owner")
    if request.query["list-type"] != "2":
        raise S3Error("InvalidArgument", "list-type is 2, or absent for the first version")
    token = request.query.get("continuation-token")
    after = request.query.get("start-after", "")
    page = _page(objects, request, after_token(token) if token else after)
    encode = encoding_of(request)
    head = [*_head(request, encode), ("KeyCount", str(len(page)))]
    if token is not None:
        head.append(("ContinuationToken", token))
    if after:
        head.append(("StartAfter", encode(after)))
    if page.next_start_after is not None:
        head.append(("NextContinuationToken", token_after(page.next_start_after)))
    is_owned = request.query.get("fetch-owner", "").lower() == "true"
    return _answer(request, page, head, encode, is_owned=is_owned)


def list_objects(objects: ObjectStore, request: S3Request) -> Answer:
    """ListObjects, the first version, whose marker is a key or a common prefix."""
    request.allow_query(*_COMMON, "marker")
    marker = request.query.get("marker", "")
    page = _page(objects, request, marker)
    encode = encoding_of(request)
    head = [*_head(request, encode), ("Marker", encode(marker))]
    if page.next_start_after is not None and request.query.get("delimiter"):
        head.append(("NextMarker", encode(page.next_start_after)))
    return _answer(request, page, head, encode, is_owned=True)


def _page(objects: ObjectStore, request: S3Request, after: str) -> Page:
    return objects.list_page(
        request.bucket,
        prefix=request.query.get("prefix", ""),
        delimiter=request.query.get("delimiter", ""),
        start_after=after,
        max_keys=request.number("max-keys", MAX_PAGE, largest=MAX_PAGE),
    )


def _head(request: S3Request, encode: Callable[[str], str]) -> list[tuple[str, str]]:
    head = [
        ("Name", request.bucket),
        ("Prefix", encode(request.query.get("prefix", ""))),
        ("MaxKeys", str(request.number("max-keys", MAX_PAGE, largest=MAX_PAGE))),
    ]
    if delimiter := request.query.get("delimiter"):
        head.append(("Delimiter", encode(delimiter)))
    if "encoding-type" in request.query:
        head.append(("EncodingType", "url"))
    return head


def _answer(
    request: S3Request,
    page: Page,
    head: list[tuple[str, str]],
    encode: Callable[[str], str],
    *,
    is_owned: bool,
) -> Answer:
    is_ours = INFO_HEADER in request.headers
    children: list[tuple[str, str | Children]] = [
        *head,
        ("IsTruncated", str(page.is_truncated).lower()),
        *(
            ("Contents", _contents(info, encode, is_ours=is_ours, is_owned=is_owned))
            for info in page.objects
        ),
        *(("CommonPrefixes", [("Prefix", encode(name))]) for name in page.common_prefixes),
    ]
    return xml_answer("ListBucketResult", children)


def _contents(
    info: ObjectInfo, encode: Callable[[str], str], *, is_ours: bool, is_owned: bool
) -> Children:
    contents: list[tuple[str, str | Children]] = [
        ("Key", encode(info.key)),
        ("LastModified", moment(info.created_ms)),
        ("ETag", f'"{info.etag}"'),
        *_checksum_facts(info),
        ("Size", str(info.size_bytes)),
        ("StorageClass", "STANDARD"),
    ]
    if is_owned:
        contents.append(OWNER)
    return [*contents, (INFO_ELEMENT, info_json(info))] if is_ours else contents


def _checksum_facts(info: ObjectInfo) -> list[tuple[str, str]]:
    algorithms = [name for name in info.checksums if name in DIGEST_BYTES]
    if not algorithms:
        return []
    kind = dict(checksum_elements(info.checksums))["ChecksumType"]
    return [*(("ChecksumAlgorithm", name.upper()) for name in algorithms), ("ChecksumType", kind)]
