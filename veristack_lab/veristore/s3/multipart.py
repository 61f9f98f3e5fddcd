"""Multipart uploads: begin, put and copy parts, list, complete, abort."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from veristack_lab.errors import ChecksumMismatch, InvalidInput, UploadNotFound
from veristack_lab.veristore.objects.part_checksums import check_choice
from veristack_lab.veristore.objects.store import ObjectStore
from veristack_lab.veristore.objects.types import MAX_PARTS, ObjectInfo, PartInfo
from veristack_lab.veristore.s3.checksums import (
    DIGEST_BYTES,
    PREFIX,
    announced_object,
    checksum_elements,
    checksum_headers,
    checksum_type,
    digest_of,
    element_of,
    known_algorithm,
)
from veristack_lab.veristore.s3.conditions import require_copy_source, write_condition
from veristack_lab.veristore.s3.copy import copy_source, result_of
from veristack_lab.veristore.s3.errors import S3Error
from veristack_lab.veristore.s3.headers import facts, notes_of
from veristack_lab.veristore.s3.range import parse_copy_range
from veristack_lab.veristore.s3.request import Answer, S3Request, xml_answer
from veristack_lab.veristore.s3.xml import MAX_XML_BYTES, parse

_PART_NUMBER = re.compile(r"[1-9]\d{0,4}", re.ASCII)


def create_upload(objects: ObjectStore, request: S3Request) -> Answer:
    """CreateMultipartUpload."""
    request.allow_query("uploads")
    named = known_algorithm(request.headers.get(PREFIX + "algorithm", ""), default="")
    try:
        algorithm, kind = check_choice(named, checksum_type(request.headers))
    except InvalidInput as error:
        raise S3Error("InvalidRequest", str(error)) from None
    told = {PREFIX + "algorithm": algorithm.upper(), PREFIX + "type": kind} if algorithm else {}
    notes = notes_of(request.headers)
    upload_id = objects.start_upload(
        request.bucket,
        request.key,
        content_type=notes.content_type,
        metadata=notes.metadata,
        headers=notes.headers,
        checksum=algorithm,
        checksum_type=kind,
    )
    names = [("Bucket", request.bucket), ("Key", request.key), ("UploadId", upload_id)]
    answer = xml_answer("InitiateMultipartUploadResult", names)
    answer.headers |= told
    return answer


def upload_part(objects: ObjectStore, request: S3Request) -> Answer:
    """UploadPart. A part of the same number is replaced."""
    upload_id, number = _part(request)
    wanted = objects.upload(request.bucket, request.key, upload_id).checksum
    for sent in set(request.body.expected) - {"md5"}:
        if wanted not in ("", sent):
            raise S3Error(
                "InvalidRequest",
                f"Checksum Type mismatch occurred, expected checksum Type: {wanted}, actual "
                f"checksum Type: {sent}",
            )
    try:
        part = objects.put_part(
            request.bucket,
            request.key,
            upload_id,
            number,
            request.body.chunks(),
            expect=request.body.expected,
        )
    except ChecksumMismatch as error:
        raise S3Error("BadDigest", str(error)) from error
    headers = {"etag": f'"{part.etag}"', **checksum_headers(part.checksums)}
    headers.pop("x-amz-checksum-type", None)
    return Answer(headers=headers)


def copy_part(objects: ObjectStore, request: S3Request) -> Answer:
    """UploadPartCopy: a part out of an object that is there already."""
    upload_id, number = _part(request)
    source = copy_source(request)
    header = request.headers.get("x-amz-copy-source-range")
    while True:
        info = objects.head(*source)
        require_copy_source(request.headers, info.etag, info.created_ms)
        span = (0, None) if header is None else parse_copy_range(header, info.size_bytes)
        with objects.open(*source, start=span[0], end=span[1]) as reader:
            if reader.info == info:  # else it was replaced since: judge the new one
                part = objects.put_part(request.bucket, request.key, upload_id, number, reader)
                told = [line for line in result_of(part) if line[0] != "ChecksumType"]
                return xml_answer("CopyPartResult", told)


def complete_upload(objects: ObjectStore, request: S3Request) -> Answer:
    """CompleteMultipartUpload: the commit point of the object."""
    request.allow_query("uploadId")
    upload_id = request.query["uploadId"]
    condition = write_condition(request.headers)
    root = parse(request.body.read(MAX_XML_BYTES), "CompleteMultipartUpload")
    elements = root.findall("Part")
    if not 0 < len(elements) <= MAX_PARTS:
        raise S3Error("MalformedXML", f"give 1 to {MAX_PARTS} parts, not {len(elements)}")
    named = [(_number(part.findtext("PartNumber", "")), _etag(part)) for part in elements]
    _compare_checksums(objects, request, elements)
    expected, kind = announced_object(request.headers)
    try:
        info = objects.complete_upload(
            request.bucket,
            request.key,
            upload_id,
            named,
            if_none_match=condition.if_none_match,
            if_match=condition.if_match,
            expect=expected,
            checksum_type=kind,
            expect_size_bytes=_object_size(request),
        )
    except ChecksumMismatch as error:
        raise S3Error("BadDigest", str(error)) from error
    except InvalidInput as error:
        raise S3Error("InvalidRequest", str(error)) from error
    return _completed(info, request)


def _completed(info: ObjectInfo, request: S3Request) -> Answer:
    elements = [
        ("Location", f"/{request.bucket}/{request.key}"),
        ("Bucket", request.bucket),
        ("Key", request.key),
        ("ETag", f'"{info.etag}"'),
        *checksum_elements(info.checksums),
    ]
    answer = xml_answer("CompleteMultipartUploadResult", elements)
    answer.headers |= facts(info, request.headers)
    return answer


def abort_upload(objects: ObjectStore, request: S3Request) -> Answer:
    """AbortMultipartUpload."""
    request.allow_query("uploadId")
    objects.abort_upload(request.bucket, request.key, request.query["uploadId"])
    return Answer(status=204)


def _part(request: S3Request) -> tuple[str, int]:
    request.allow_query("uploadId", "partNumber")
    if "uploadId" not in request.query or "partNumber" not in request.query:
        raise S3Error("InvalidArgument", "a part has an uploadId and a partNumber")
    return request.query["uploadId"], _number(request.query["partNumber"])


def _number(text: str) -> int:
    if not _PART_NUMBER.fullmatch(text) or int(text) > MAX_PARTS:
        raise S3Error("InvalidArgument", f"a part number is 1 to {MAX_PARTS}, not {text!r:.20}")
    return int(text)


def _etag(part: ET.Element) -> str:
    etag = part.findtext("ETag", "").strip().strip('"')
    if not etag:
        raise S3Error("MalformedXML", "a part of a completion has an ETag")
    return etag


def _object_size(request: S3Request) -> int | None:
    """The size that the object is to have, if the completion names it."""
    text = request.headers.get("x-amz-mp-object-size")
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal()) or len(text) > 15:
        raise S3Error("InvalidRequest", f"x-amz-mp-object-size is {text!r:.20}, not a size")
    return int(text)


def _compare_checksums(
    objects: ObjectStore, request: S3Request, elements: list[ET.Element]
) -> None:
    """Hold the parts to the checksums that the completion names. Raises `S3Error` InvalidPart."""
    claims = [
        (_number(part.findtext("PartNumber", "")), algorithm, digest_of(algorithm, text))
        for part in elements
        for algorithm in DIGEST_BYTES
        if (text := part.findtext(element_of(algorithm)))
    ]
    if not claims:
        return
    try:
        parts = objects.parts(request.bucket, request.key, request.query["uploadId"])
    except UploadNotFound:
        return  # perhaps a repeated completion: the store decides
    found: dict[int, PartInfo] = {part.number: part for part in parts}
    for number, algorithm, digest in claims:
        # the store reports missing parts
        known = found[number].checksums.get(algorithm) if number in found else digest
        if known != digest:
            has = f"with the {algorithm} {known}" if known else f"without {algorithm}"
            raise S3Error("InvalidPart", f"part {number} was uploaded {has}")
