"""What every object store of the lab can do, local or remote, and which names and metadata are
allowed."""

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
MAX_OBJECT_BYTES = 5 * 1024**4
"""5 TiB, as in S3. Content lies in files, so the store needs no lower limit."""
MAX_PARTS = 10_000
MAX_PAGE = 1000
"""Most entries that one page of a listing has."""

HEADER_NAMES = frozenset(
    {"cache-control", "content-disposition", "content-encoding", "content-language", "expires"}
)
"""The further standard headers that are kept with an object and given back."""

_METADATA_NAME = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")
_PRINTABLE = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
_METADATA_VALUE = re.compile(r"(?! )[^\x00-\x1f\x7f-\x9f\ud800-\udfff]+(?<! )")


@dataclass(frozen=True)
class ObjectInfo:
    """All about an object but its bytes."""

    bucket: str
    key: str
    size_bytes: int
    sha256: str
    """SHA-256 of the content, in lower-case hexadecimal; checked whenever all of it is read. For an
    object uploaded in parts: SHA-256 over the parts' digests, a dash, and their number."""
    content_type: str
    metadata: Mapping[str, str]
    created_ms: int
    """When these bytes were committed, in milliseconds since 1970."""
    md5: str = field(default="", repr=False)
    """MD5 of the content, in hexadecimal; empty if uploaded in parts. A name, not a protection."""
    etag: str = ""
    """S3's name for the content, without quotes: its MD5, or of an object uploaded in parts the
    MD5 over the parts' MD5s, a dash, and their number."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Further standard headers given at the put (see `HEADER_NAMES`)."""
    checksums: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    """The further checksums that the put demanded: algorithm to hexadecimal (composite ones of
    parts end in a dash and their number). Not compared: they say nothing new about the bytes."""

    def __post_init__(self) -> None:
        if not self.etag:
            object.__setattr__(self, "etag", self.md5)


@dataclass(frozen=True)
class Page:
    """One page of a listing: the next objects and common prefixes, each in byte order."""

    objects: tuple[ObjectInfo, ...]
    common_prefixes: tuple[str, ...]
    """Each stands for all keys that begin with it; it ends with the delimiter."""
    next_start_after: str | None
    """The `start_after` of the next page; None when this is the last one."""
    is_truncated: bool

    def __len__(self) -> int:
        return len(self.objects) + len(self.common_prefixes)


@dataclass(frozen=True)
class PartInfo:
    """A part of an upload."""

    number: int
    size_bytes: int
    etag: str
    """MD5 of its content, in hexadecimal."""
    checksums: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    """The further checksums that its upload demanded: algorithm to hexadecimal."""
    created_ms: int = field(default=0, repr=False, compare=False)


@dataclass(frozen=True)
class UploadInfo:
    """An upload that was started, and neither completed nor aborted."""

    bucket: str
    key: str
    upload_id: str
    started_ms: int
    content_type: str = DEFAULT_CONTENT_TYPE
    metadata: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    checksum: str = ""
    """The checksum that every part and the object get, or empty; see `part_checksums`."""
    checksum_type: str = ""
    """Its kind: COMPOSITE or FULL_OBJECT; empty without a checksum."""


class Objects(Protocol):
    """An object store. All names are text; keys are ordered by their UTF-8 bytes.

    Every method that names a bucket raises `BucketNotFound` if the bucket does not exist, and
    `InvalidInput` if a name is invalid.
    """

    def create_bucket(self, bucket: str) -> bool:
        """Make a bucket. True if it is new, False if it existed."""

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
            bucket, key: the target.
            data: the content.
            content_type: its media type, printable ASCII.
            metadata: notes; lower-case names as in HTTP headers, values without control
                characters, 8 KiB in UTF-8 together.
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
        """Remove an object and its content, durably. A missing object is not an error."""


def bucket_bytes(bucket: str) -> bytes:
    """A bucket's name in UTF-8. Raises `InvalidInput`."""
    encoded = utf8(bucket, "bucket name")
    if not 0 < len(encoded) <= MAX_BUCKET_BYTES or "/" in bucket:
        raise InvalidInput(
            f"{bucket!r:.60} cannot be a bucket: names have 1 to {MAX_BUCKET_BYTES} bytes in "
            "UTF-8 and no slash"
        )
    return encoded


def key_bytes(key: str) -> bytes:
    """An object's key in UTF-8. Raises `InvalidInput`."""
    encoded = utf8(key, "object key")
    if not 0 < len(encoded) <= MAX_KEY_BYTES:
        raise InvalidInput(
            f"an object key of {len(encoded)} bytes: keys have 1 to {MAX_KEY_BYTES} bytes in UTF-8"
        )
    return encoded


def prefix_bytes(prefix: str) -> bytes:
    """A prefix of keys in UTF-8; may be empty. Raises `InvalidInput`."""
    return utf8(prefix, "prefix")


def check_put(data: bytes, content_type: str, metadata: Mapping[str, str]) -> None:
    """Refuse whole content and notes that could not be given back as they came.

    Raises:
        InvalidInput: content that is not bytes or too large; a content type, or metadata,
            that cannot be kept.
    """
    if not isinstance(data, bytes):
        raise InvalidInput(f"an object's content is bytes, not {type(data).__name__}")
    if len(data) > MAX_OBJECT_BYTES:
        raise InvalidInput(f"{len(data):,} bytes are too many; objects have up to 5 TiB")
    check_notes(content_type, metadata)


def check_notes(
    content_type: str, metadata: Mapping[str, str], headers: Mapping[str, str] | None = None
) -> None:
    """Refuse what no HTTP header can carry, or is not kept.

    Raises:
        InvalidInput: see there.
    """
    if not _PRINTABLE.fullmatch(content_type):
        raise InvalidInput(f"{content_type!r:.60} cannot be a content type: use printable ASCII")
    for name, value in metadata.items():
        if not _METADATA_NAME.fullmatch(name):
            raise InvalidInput(
                f"{name!r:.60} cannot name metadata: use lower-case letters, digits and dashes"
            )
        if value and not _METADATA_VALUE.fullmatch(value):
            raise InvalidInput(
                f"metadata {name!r}: the value must be Unicode text without control characters, "
                "and without spaces at its ends"
            )
    for name, value in (headers or {}).items():
        if name not in HEADER_NAMES or not _PRINTABLE.fullmatch(value):
            raise InvalidInput(
                f"the header {name!r:.60} cannot be kept: give {', '.join(sorted(HEADER_NAMES))} "
                "with printable ASCII values"
            )
    notes = [*metadata.items(), *(headers or {}).items()]
    if sum(len(name) + len(value.encode()) for name, value in notes) > MAX_METADATA_BYTES:
        raise InvalidInput(f"metadata of more than {MAX_METADATA_BYTES} bytes; store an object")


def utf8(text: str, what: str) -> bytes:
    """Text in UTF-8. Raises `InvalidInput` if it has none."""
    if not isinstance(text, str):
        raise InvalidInput(f"a {what} is text, not {type(text).__name__}")
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise InvalidInput(f"{text!r:.60} cannot be a {what}: it is not Unicode text") from None
