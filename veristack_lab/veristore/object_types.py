"""What every object store of the lab can do, near or far, and how names and notes may look."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from veristack_lab.errors import InvalidInput

DEFAULT_CONTENT_TYPE = "application/octet-stream"
MAX_BUCKET_BYTES = 255
MAX_KEY_BYTES = 1024
"""As in S3, counted in UTF-8."""
MAX_METADATA_BYTES = 8192
MAX_OBJECT_BYTES = 1024 * 1024 * 1024

_METADATA_NAME = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")
_PRINTABLE = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")


@dataclass(frozen=True)
class ObjectInfo:
    """All about an object but its bytes."""

    bucket: str
    key: str
    size_bytes: int
    sha256: str
    """Of the content, in lower-case hexadecimal; checked on every read."""
    content_type: str
    metadata: Mapping[str, str]
    created_ms: int
    """When these bytes were committed, in milliseconds since 1970."""
    md5: str = field(default="", repr=False)
    """Of the content, in hexadecimal: what S3 calls the ETag. No protection, a name."""


class Objects(Protocol):
    """An object store. All names are text; keys are ordered by their UTF-8 bytes.

    Every method that names a bucket raises `BucketNotFound` when it is not there, and
    `InvalidInput` when a name cannot be one.
    """

    def create_bucket(self, bucket: str) -> bool:
        """Make a bucket. True if it is new, False if it was there."""

    def put(
        self,
        bucket: str,
        key: str,
        data: bytes,
        *,
        content_type: str = DEFAULT_CONTENT_TYPE,
        metadata: Mapping[str, str] | None = None,
    ) -> ObjectInfo:
        """Store an object durably, replacing the one of that key in one step.

        Args:
            bucket, key: where to.
            data: the content, up to 1 GiB.
            content_type: its media type, printable ASCII.
            metadata: notes; lower-case names as in HTTP headers, printable ASCII values,
                8 KiB together.
        """

    def get(self, bucket: str, key: str) -> bytes:
        """The content, checked against its SHA-256.

        Raises:
            ObjectNotFound: there is no such object.
            ChecksumMismatch: the stored bytes are not those that were written.
        """

    def head(self, bucket: str, key: str) -> ObjectInfo:
        """All but the content. Raises `ObjectNotFound`."""

    def list(self, bucket: str, prefix: str = "") -> list[ObjectInfo]:
        """The objects whose key begins with the prefix, in byte order of their keys."""

    def delete(self, bucket: str, key: str) -> None:
        """Remove an object and its content, durably. One that is not there is no error."""


def bucket_bytes(bucket: str) -> bytes:
    """A bucket's name in UTF-8. Raises `InvalidInput`."""
    encoded = _utf8(bucket, "bucket name")
    if not 0 < len(encoded) <= MAX_BUCKET_BYTES or "/" in bucket:
        raise InvalidInput(
            f"{bucket!r:.60} cannot be a bucket: names have 1 to {MAX_BUCKET_BYTES} bytes in "
            "UTF-8 and no slash"
        )
    return encoded


def key_bytes(key: str) -> bytes:
    """An object's key in UTF-8. Raises `InvalidInput`."""
    encoded = _utf8(key, "object key")
    if not 0 < len(encoded) <= MAX_KEY_BYTES:
        raise InvalidInput(
            f"an object key of {len(encoded)} bytes: keys have 1 to {MAX_KEY_BYTES} bytes in UTF-8"
        )
    return encoded


def prefix_bytes(prefix: str) -> bytes:
    """A prefix of keys in UTF-8; may be empty. Raises `InvalidInput`."""
    return _utf8(prefix, "prefix")


def check_put(data: bytes, content_type: str, metadata: Mapping[str, str]) -> None:
    """Refuse content and notes that could not be given back as they came.

    Raises:
        InvalidInput: content that is not bytes or over 1 GiB; a content type, or metadata,
            that no HTTP header can carry.
    """
    if not isinstance(data, bytes):
        raise InvalidInput(f"an object's content is bytes, not {type(data).__name__}")
    if len(data) > MAX_OBJECT_BYTES:
        raise InvalidInput(f"{len(data):,} bytes are too many; objects have up to 1 GiB")
    if not _PRINTABLE.fullmatch(content_type):
        raise InvalidInput(f"{content_type!r:.60} cannot be a content type: use printable ASCII")
    for name, value in metadata.items():
        if not _METADATA_NAME.fullmatch(name):
            raise InvalidInput(
                f"{name!r:.60} cannot name metadata: use lower-case letters, digits and dashes"
            )
        if value and not _PRINTABLE.fullmatch(value):
            raise InvalidInput(
                f"metadata {name!r}: the value must be printable ASCII without spaces at its ends"
            )
    if sum(len(name) + len(value) for name, value in metadata.items()) > MAX_METADATA_BYTES:
        raise InvalidInput(f"metadata of more than {MAX_METADATA_BYTES} bytes; store an object")


def _utf8(text: str, what: str) -> bytes:
    if not isinstance(text, str):
        raise InvalidInput(f"a {what} is text, not {type(text).__name__}")
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise InvalidInput(f"{text!r:.60} cannot be a {what}: it is not Unicode text") from None
