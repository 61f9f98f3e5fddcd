"""A request of S3, and an answer, as the operations see them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from veristack_lab.errors import InvalidInput
from veristack_lab.veristore.objects.types import bucket_bytes, key_bytes
from veristack_lab.veristore.s3 import sigv2
from veristack_lab.veristore.s3.body import Body
from veristack_lab.veristore.s3.claims import SignableRequest
from veristack_lab.veristore.s3.errors import S3Error, not_implemented
from veristack_lab.veristore.s3.xml import Children, document

if TYPE_CHECKING:
    from veristack_lab.veristore.objects.reader import ObjectReader
    from veristack_lab.veristore.objects.store import ObjectStore

MAX_BODY_OF_NOTHING = 64 * 1024
"""Operations without a body read and drop at most this much of one."""

_EVERYWHERE = sigv2.PARAMETERS | {*sigv2.AS_HEADERS, "x-id"}
"""Parameters of presigned URLs (Signature Version 2), and of SDKs to name the operation. Those that
begin with `x-amz-` are headers in the place of parameters."""


@dataclass(frozen=True)
class S3Request:
    """One request, its names decoded."""

    method: str
    bucket: str
    key: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case."""
    body: Body

    def allow_query(self, *names: str) -> None:
        """Refuse parameters that this operation would ignore. Raises `S3Error`."""
        unknown = {
            name
            for name in self.query
            if name not in names
            and name not in _EVERYWHERE
            and not name.lower().startswith("x-amz-")
        }
        if unknown:
            raise not_implemented(f"the parameter {min(unknown):.60} of {self.what}")

    @property
    def what(self) -> str:
        """The kind of request, for messages."""
        kind = "an object" if self.key else "a bucket" if self.bucket else "the service"
        return f"{self.method} of {kind}"

    def number(self, name: str, default: int, *, largest: int) -> int:
        """A parameter that is a number, at most the largest. Raises `S3Error`."""
        return whole_number(self.query, name, default, largest=largest)


@dataclass
class Answer:
    """The answer: bytes at once, or an object's content as it is read."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    reader: ObjectReader | None = None
    """Content instead of `body`; the sender of the answer closes it."""


Operation = Callable[["ObjectStore", S3Request], Answer]
"""Runs in a worker thread; may wait for the body."""


def whole_number(given: Mapping[str, str], name: str, default: int, *, largest: int) -> int:
    """A parameter or header that is a number, at most the largest. Raises `S3Error`."""
    text = given.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdecimal()) or len(text) > 10:
        raise S3Error("InvalidArgument", f"{name} is {text!r:.20}; give a number from 0 on")
    return min(int(text), largest)


def xml_answer(root: str, children: Children) -> Answer:
    """A success with a document."""
    return Answer(headers={"content-type": "application/xml"}, body=document(root, children))


def split_path(path: bytes) -> tuple[str, str]:
    """Bucket and key of a path as sent; both may be empty. `.`, `..` and `//` mean themselves.

    Raises:
        S3Error: InvalidURI, InvalidBucketName or KeyTooLongError.
    """
    bucket, _, key = path.removeprefix(b"/").partition(b"/")
    if key and not bucket:
        raise S3Error("InvalidURI", "the path names an object without a bucket")
    names = []
    for part, encode, code in (
        (bucket, bucket_bytes, "InvalidBucketName"),
        (key, key_bytes, "KeyTooLongError"),
    ):
        try:
            name = unquote_to_bytes(part).decode()
        except UnicodeDecodeError:
            raise S3Error("InvalidURI", "the names in the path are not UTF-8") from None
        try:
            if name:
                encode(name)
        except InvalidInput as error:
            raise S3Error(code, str(error)) from None
        names.append(name)
    return names[0], names[1]


def query_of(request: SignableRequest) -> dict[str, str]:
    """Parameters by name; if one is given twice, the first counts. Raises `S3Error` InvalidURI."""
    found: dict[str, str] = {}
    for name, value in request.query_pairs():
        try:
            (name + value).encode()
        except UnicodeEncodeError:
            raise S3Error("InvalidURI", "the parameters in the URL are not UTF-8") from None
        found.setdefault(name, value)
    return found
