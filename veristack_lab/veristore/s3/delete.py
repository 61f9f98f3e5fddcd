"""DeleteObjects: up to a thousand keys in one request."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from veristack_lab.errors import InvalidInput, VeriStackError
from veristack_lab.veristore.objects.store import ObjectStore
from veristack_lab.veristore.objects.types import key_bytes
from veristack_lab.veristore.s3.errors import S3Error, not_implemented, refusal_of
from veristack_lab.veristore.s3.request import Answer, S3Request, xml_answer
from veristack_lab.veristore.s3.versions import check_version
from veristack_lab.veristore.s3.xml import MAX_XML_BYTES, Children, parse

MAX_KEYS = 1000
_UNSUPPORTED = ("LastModifiedTime", "Size")


def delete_objects(objects: ObjectStore, request: S3Request) -> Answer:
    """DeleteObjects. Keys without a condition go in one batch; each failure is reported by key."""
    request.allow_query("delete")
    if not request.body.expected:
        # As S3 asks for; and a browser on another site's behalf cannot send such a header.
        raise S3Error("InvalidRequest", "give Content-MD5 or x-amz-checksum-* of the list of keys")
    objects.head_bucket(request.bucket)
    root = parse(request.body.read(MAX_XML_BYTES), "Delete")
    elements = root.findall("Object")
    if not 0 < len(elements) <= MAX_KEYS:
        raise S3Error("MalformedXML", f"give 1 to {MAX_KEYS} keys, not {len(elements)}")
    failures: dict[int, S3Error] = {}
    plain: list[str] = []
    for number, element in enumerate(elements):
        try:
            _check(element)
            if (etag := element.findtext("ETag")) is None:
                plain.append(_key(element))
            else:
                objects.delete(request.bucket, _key(element), if_match=etag.strip('"'))
        except S3Error as refusal:
            failures[number] = refusal
        except VeriStackError as error:
            failures[number] = refusal_of(error)
    objects.delete_many(request.bucket, plain)
    is_quiet = root.findtext("Quiet", "").strip().lower() == "true"
    return xml_answer("DeleteResult", _report(elements, failures, is_quiet=is_quiet))


def _check(element: ET.Element) -> None:
    for name in _UNSUPPORTED:
        if element.findtext(name):
            raise not_implemented(f"{name} of a deletion")
    check_version(element.findtext("VersionId"))
    try:
        key_bytes(_key(element))
    except InvalidInput as error:
        raise S3Error("KeyTooLongError", str(error)) from None


def _key(element: ET.Element) -> str:
    return element.findtext("Key", "")


def _report(
    elements: list[ET.Element], failures: dict[int, S3Error], *, is_quiet: bool
) -> list[tuple[str, Children]]:
    report: list[tuple[str, Children]] = []
    for number, element in enumerate(elements):
        version = element.findtext("VersionId")
        named = [("Key", _key(element)), *([("VersionId", version)] if version else [])]
        refusal = failures.get(number)
        if refusal is not None:
            report.append(("Error", [*named, ("Code", refusal.code), ("Message", str(refusal))]))
        elif not is_quiet:
            report.append(("Deleted", named))
    return report
