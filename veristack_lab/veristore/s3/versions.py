"""What a server without versions says about versions: there is one of each object, `null`.

So S3 answers for a bucket whose versioning was never switched on.
"""

from __future__ import annotations

from collections.abc import Callable

from veristack_lab.veristore.objects.store import ObjectStore
from veristack_lab.veristore.objects.types import MAX_PAGE, ObjectInfo
from veristack_lab.veristore.s3.errors import S3Error
from veristack_lab.veristore.s3.names import encoding_of
from veristack_lab.veristore.s3.owner import OWNER
from veristack_lab.veristore.s3.request import Answer, S3Request, xml_answer
from veristack_lab.veristore.s3.xml import Children, moment

NULL = "null"
"""The version of an object in a bucket without versions."""


def check_version(version: str | None) -> None:
    """Accept the only version, `null`. Raises `S3Error` NoSuchVersion."""
    if version not in (None, "", NULL):
        raise S3Error(
            "NoSuchVersion",
            f"there is no version {version!r:.60}: this server keeps no versions, and that of "
            f"every object is {NULL}",
        )


def version_headers(request: S3Request) -> dict[str, str]:
    """The version header of an answer: returned if the request named a version.

    Raises:
        S3Error: NoSuchVersion.
    """
    version = request.query.get("versionId")
    check_version(version)
    return {"x-amz-version-id": NULL} if version else {}


def list_versions(objects: ObjectStore, request: S3Request) -> Answer:
    """ListObjectVersions: every object is the latest version of itself."""
    request.allow_query(
        *("versions", "prefix", "delimiter", "max-keys", "encoding-type"),
        *("key-marker", "version-id-marker"),
    )
    marker = request.query.get("key-marker", "")
    version_marker = request.query.get("version-id-marker", "")
    if version_marker and not marker:
        raise S3Error("InvalidArgument", "a version-id-marker needs a key-marker")
    limit = request.number("max-keys", MAX_PAGE, largest=MAX_PAGE)
    page = objects.list_page(
        request.bucket,
        prefix=request.query.get("prefix", ""),
        delimiter=request.query.get("delimiter", ""),
        start_after=marker,
        max_keys=limit,
    )
    encode = encoding_of(request)
    head: list[tuple[str, str | Children]] = [
        ("Name", request.bucket),
        ("Prefix", encode(request.query.get("prefix", ""))),
        ("KeyMarker", encode(marker)),
        ("VersionIdMarker", version_marker),
        ("MaxKeys", str(limit)),
        ("IsTruncated", str(page.is_truncated).lower()),
    ]
    if delimiter := request.query.get("delimiter"):
        head.append(("Delimiter", encode(delimiter)))
    if "encoding-type" in request.query:
        head.append(("EncodingType", "url"))
    if page.next_start_after is not None:
        head.append(("NextKeyMarker", encode(page.next_start_after)))
        head.append(("NextVersionIdMarker", NULL))
    versions = [("Version", _version(info, encode)) for info in page.objects]
    prefixes = [("CommonPrefixes", [("Prefix", encode(name))]) for name in page.common_prefixes]
    return xml_answer("ListVersionsResult", [*head, *versions, *prefixes])


def _version(info: ObjectInfo, encode: Callable[[str], str]) -> Children:
    return [
        ("Key", encode(info.key)),
        ("VersionId", NULL),
        ("IsLatest", "true"),
        ("LastModified", moment(info.created_ms)),
        ("ETag", f'"{info.etag}"'),
        ("Size", str(info.size_bytes)),
        ("StorageClass", "STANDARD"),
        OWNER,
    ]
