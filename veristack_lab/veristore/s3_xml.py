"""The XML of S3's answers, written and read."""

from __future__ import annotations

import json
import time
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from urllib.parse import quote, unquote

from veristack_lab.errors import InvalidInput
from veristack_lab.veristore.object_types import ObjectInfo

_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>\n'
_INFO = "VeriStackInfo"
"""Our own element of a listing: what S3 leaves out. Clients of S3 skip elements unknown to them."""
MAX_PAGE = 1000


def error_xml(code: str, message: str, resource: str) -> bytes:
    """The body of a failure."""
    root = ET.Element("Error")
    for name, text in (("Code", code), ("Message", message), ("Resource", resource)):
        ET.SubElement(root, name).text = _writable(text)
    return _DECLARATION + ET.tostring(root)


def read_error(body: bytes) -> tuple[str, str]:
    """Code and message of a failure; empty when the body is something else."""
    try:
        root = ET.fromstring(body)  # noqa: S314 our own server's answer; expat bounds expansion
    except ET.ParseError:
        return "", ""
    return root.findtext("Code", ""), root.findtext("Message", "")


def buckets_xml(names: Sequence[str]) -> bytes:
    """The body of the list of buckets."""
    root = ET.Element("ListAllMyBucketsResult", xmlns=_NAMESPACE)
    buckets = ET.SubElement(root, "Buckets")
    for name in names:
        ET.SubElement(ET.SubElement(buckets, "Bucket"), "Name").text = _writable(name)
    return _DECLARATION + ET.tostring(root)


def listing_xml(bucket: str, infos: Sequence[ObjectInfo], parameters: Mapping[str, str]) -> bytes:
    """One page of ListObjectsV2.

    Args:
        infos: all objects with the prefix, in byte order.
        parameters: those of the request.

    Raises:
        InvalidInput: a parameter cannot be understood.
    """
    page, is_truncated, limit = _page(infos, parameters)
    is_quoted = parameters.get("encoding-type") == "url"
    encode = quote if is_quoted else _writable
    root = ET.Element("ListBucketResult", xmlns=_NAMESPACE)
    texts = {
        "Name": _writable(bucket),
        "Prefix": encode(parameters.get("prefix", "")),
        "KeyCount": str(len(page)),
        "MaxKeys": str(limit),
        "IsTruncated": str(is_truncated).lower(),
    }
    if is_quoted:
        texts["EncodingType"] = "url"
    if is_truncated and page:
        texts["NextContinuationToken"] = quote(page[-1].key, safe="")
    for name, text in texts.items():
        ET.SubElement(root, name).text = text
    for info in page:
        _add_contents(root, info, encode(info.key))
    return _DECLARATION + ET.tostring(root)


def _page(
    infos: Sequence[ObjectInfo], parameters: Mapping[str, str]
) -> tuple[Sequence[ObjectInfo], bool, int]:
    if parameters.get("list-type", "2") != "2":
        raise InvalidInput("only list-type=2 is supported")
    text = parameters.get("max-keys", str(MAX_PAGE))
    if not text.isdecimal():
        raise InvalidInput(f"max-keys is {text!r:.20}; give a number from 0 on")
    limit = min(int(text), MAX_PAGE)
    after = parameters.get("start-after", "")
    if "continuation-token" in parameters:
        after = unquote(parameters["continuation-token"])
    rest = [info for info in infos if info.key.encode() > after.encode()] if after else infos
    return rest[:limit], len(rest) > limit, limit


def _add_contents(root: ET.Element, info: ObjectInfo, key: str) -> None:
    contents = ET.SubElement(root, "Contents")
    seconds, milliseconds = divmod(info.created_ms, 1000)
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    facts = {name: value for name, value in vars(info).items() if name not in ("bucket", "key")}
    texts = {
        "Key": key,
        "LastModified": f"{moment}.{milliseconds:03d}Z",
        "ETag": f'"{info.md5}"',
        "Size": str(info.size_bytes),
        "StorageClass": "STANDARD",
        _INFO: json.dumps(facts),
    }
    for name, text in texts.items():
        ET.SubElement(contents, name).text = text


def read_listing(body: bytes, bucket: str) -> tuple[list[ObjectInfo], str | None]:
    """The objects of one page (asked for with encoding-type=url), and the token of the next."""
    root = ET.fromstring(body)  # noqa: S314 our own server's answer; expat bounds expansion
    tag = f"{{{_NAMESPACE}}}"
    infos = []
    for contents in root.iterfind(f"{tag}Contents"):
        key = unquote(contents.findtext(f"{tag}Key", ""))
        infos.append(ObjectInfo(bucket, key, **json.loads(contents.findtext(tag + _INFO, "{}"))))
    return infos, root.findtext(f"{tag}NextContinuationToken")


def _writable(text: str) -> str:
    """XML 1.0 has no way to write most control characters: they are shown as U+FFFD."""
    allowed = (
        character
        if character in "\t\n\r"
        or ("\x20" <= character <= "\ufffd" and not _is_surrogate(character))
        or character >= "\U00010000"
        else "\ufffd"
        for character in text
    )
    return "".join(allowed)


def _is_surrogate(character: str) -> bool:
    return "\ud800" <= character <= "\udfff"
