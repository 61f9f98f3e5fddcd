"""GetObjectAttributes: what HEAD returns and more, in a document."""

from __future__ import annotations

from veristack_lab.veristore.objects.store import ObjectStore
from veristack_lab.veristore.objects.types import MAX_PARTS, ObjectInfo
from veristack_lab.veristore.s3.checksums import checksum_elements
from veristack_lab.veristore.s3.errors import S3Error
from veristack_lab.veristore.s3.headers import http_date
from veristack_lab.veristore.s3.request import Answer, S3Request, whole_number, xml_answer
from veristack_lab.veristore.s3.versions import version_headers
from veristack_lab.veristore.s3.xml import Children

ATTRIBUTES = ("ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize")
MAX_LISTED = 1000
_HEADER = "x-amz-object-attributes"


def get_object_attributes(objects: ObjectStore, request: S3Request) -> Answer:
    """GetObjectAttributes. For parts it returns number and size; their own checksums are not kept
    when an upload is completed."""
    request.allow_query("attributes", "versionId")
    headers = version_headers(request)
    asked = _asked(request.headers.get(_HEADER, ""))
    limit = whole_number(request.headers, "x-amz-max-parts", MAX_LISTED, largest=MAX_LISTED)
    marker = whole_number(request.headers, "x-amz-part-number-marker", 0, largest=MAX_PARTS)
    info, sizes = objects.part_sizes(request.bucket, request.key)
    told: dict[str, str | Children] = {
        "ETag": info.etag,
        "Checksum": checksum_elements(info.checksums),
        "ObjectParts": _parts(info, sizes, limit, marker) if sizes else (),
        "StorageClass": "STANDARD",
        "ObjectSize": str(info.size_bytes),
    }
    children = [(name, told[name]) for name in ATTRIBUTES if name in asked and told[name]]
    answer = xml_answer("GetObjectAttributesResponse", children)
    answer.headers |= {"last-modified": http_date(info.created_ms), **headers}
    return answer


def _asked(header: str) -> set[str]:
    names = {name.strip() for name in header.split(",") if name.strip()}
    if not names:
        raise S3Error("InvalidArgument", f"{_HEADER} names what to tell: {', '.join(ATTRIBUTES)}")
    unknown = names - set(ATTRIBUTES)
    if unknown:
        raise S3Error("InvalidArgument", f"{min(unknown)!r:.40} is not an attribute of an object")
    return names


def _parts(info: ObjectInfo, sizes: tuple[int, ...], limit: int, marker: int) -> Children:
    rest = [(number, size) for number, size in enumerate(sizes, 1) if number > marker]
    page = rest[:limit]
    head: list[tuple[str, str | Children]] = [
        ("PartsCount", str(len(sizes))),
        ("PartNumberMarker", str(marker)),
        ("NextPartNumberMarker", str(page[-1][0] if page else marker)),
        ("MaxParts", str(limit)),
        ("IsTruncated", str(len(rest) > len(page)).lower()),
    ]
    if not info.checksums:  # S3 lists single parts only for objects with a checksum
        return head
    return [
        *head,
        *(("Part", [("PartNumber", str(number)), ("Size", str(size))]) for number, size in page),
    ]
