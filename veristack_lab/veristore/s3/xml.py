"""The XML of S3's requests and answers, written and read.

Documents are read with the standard library's expat, which bounds the expansion of entities;
a document type, the only source of entities, is refused before it is read.
"""

from __future__ import annotations

import json
import time
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from typing import Union
from urllib.parse import unquote
from xml.sax.saxutils import escape

from veristack_lab.veristore.objects.types import ObjectInfo
from veristack_lab.veristore.s3.errors import S3Error

Children = Sequence[tuple[str, Union[str, "Children"]]]
"""Names with text or with children, in order. A name may have attributes after a space."""

MAX_XML_BYTES = 8 * 1024 * 1024
"""Limit of a request: 1,000 keys of 1,024 bytes, all escaped, and room to spare."""
INFO_ELEMENT = "VeriStackInfo"
"""What S3's listing leaves out, for our own client, which asks for it with a header."""

_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


def document(root: str, children: Children, *, is_namespaced: bool = True) -> bytes:
    """A whole document. Characters that XML 1.0 cannot write are shown as U+FFFD."""
    attribute = f' xmlns="{_NAMESPACE}"' if is_namespaced else ""
    return f"{_DECLARATION}<{root}{attribute}>{_body(children)}</{root}>".encode()


def parse(body: bytes, root: str) -> ET.Element:
    """The root of a request's document, tags without their namespace.

    Raises:
        S3Error: MalformedXML: no such document, or one with a document type.
    """
    parser = ET.XMLParser(target=_PlainBuilder())  # noqa: S314 no document type, no entities
    try:
        parser.feed(body)
        found: ET.Element = parser.close()
    except (ET.ParseError, LookupError, ValueError) as error:  # the latter two: odd encodings
        raise S3Error("MalformedXML", f"the body is not well-formed XML ({error})") from None
    if found.tag != root:
        raise S3Error("MalformedXML", f"the body is a <{found.tag:.40}>, not a <{root}>")
    return found


def moment(milliseconds: int) -> str:
    """A time in the format of S3's XML."""
    seconds, rest = divmod(milliseconds, 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest:03d}Z"


def read_error(body: bytes) -> tuple[str, str]:
    """Code and message of a failure; empty when the body is something else."""
    try:
        root = parse(body, "Error")
    except S3Error:
        return "", ""
    return root.findtext("Code", ""), root.findtext("Message", "")


def read_listing(body: bytes, bucket: str) -> tuple[list[ObjectInfo], str | None]:
    """The objects of one page that our own client asked for, and the token of the next."""
    root = parse(body, "ListBucketResult")
    infos = []
    for contents in root.iterfind("Contents"):
        key = unquote(contents.findtext("Key", ""))
        infos.append(ObjectInfo(bucket, key, **json.loads(contents.findtext(INFO_ELEMENT, "{}"))))
    return infos, root.findtext("NextContinuationToken")


def info_json(info: ObjectInfo) -> str:
    """What `read_listing` reads back."""
    facts = {name: value for name, value in vars(info).items() if name not in ("bucket", "key")}
    return json.dumps(facts, default=dict)


class _PlainBuilder(ET.TreeBuilder):
    """Builds a tree of plain tags; stops at a document type."""

    def start(self, tag: str, attrs: dict[str, str]) -> ET.Element:
        return super().start(tag.rpartition("}")[2], attrs)

    def end(self, tag: str) -> ET.Element:
        return super().end(tag.rpartition("}")[2])

    def doctype(self, *_: object) -> None:
        raise S3Error("MalformedXML", "a document type is not allowed")


def _body(children: Children) -> str:
    parts = []
    for name, value in children:
        inner = _escaped(value) if isinstance(value, str) else _body(value)
        parts.append(f"<{name}>{inner}</{name.partition(' ')[0]}>")
    return "".join(parts)


def _escaped(text: str) -> str:
    writable = text if text.isprintable() else "".join(map(_writable, text))
    return escape(writable, {"\r": "&#13;"})  # a reader takes a bare one for a line's end


def _writable(character: str) -> str:
    is_allowed = character in "\t\n\r" or "\x20" <= character <= "\ufffd" or character > "\uffff"
    return character if is_allowed and not "\ud800" <= character <= "\udfff" else "\ufffd"
