"""How buckets, objects, uploads and parts are written into the key-value store.

    "obj" 0 "b" bucket                                       bucket record, JSON
    "obj" 0 "m" length of bucket u16, bucket, key            an object's metadata record
    "obj" 0 "u" length of bucket u16, bucket, key, upload id upload record, JSON
    "obj" 0 "p" upload id, number u32                        part record, JSON
    "obj" 0 "r" content id                                   the content file is referred to
    "obj" 0 "c" object id, number u32                        a chunk as version 1 kept them

An upload record whose upload has a checksum for all its parts is of version 3, which has two
fields more; all other records are of version 2.

Numbers in keys are big-endian, so that byte order is their order. Ids have 16 bytes. A length
or a fixed size tells where each field ends, so no two names can meet in one key.

A metadata record is a line of JSON, and behind its newline either the content itself (if it is
small) or the content files in their order, 24 bytes each: id and size u64, little-endian. A
record of version 1 has no newline; its content lies in chunks.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass

from veristack_lab.errors import NotAStore
from veristack_lab.veristore.objects.types import ObjectInfo, PartInfo, UploadInfo

ID_BYTES = 16
BUCKET = b"obj\x00b"
META = b"obj\x00m"
UPLOAD = b"obj\x00u"
PART = b"obj\x00p"
REFERENCE = b"obj\x00r"
CHUNK = b"obj\x00c"
VERSION = 2
CHECKSUM_VERSION = 3
"""Version of the records that an older lab cannot read."""

_DECODER = json.JSONDecoder()
"""For its `raw_decode`, which does not look for the text's encoding first: a page of a listing
decodes a thousand records."""
_LENGTH = struct.Struct(">H")
_NUMBER = struct.Struct(">I")
_BLOB = struct.Struct("<16sQ")


@dataclass(frozen=True)
class Blob:
    """A content file, and how many bytes of content it holds."""

    blob_id: bytes
    size_bytes: int


@dataclass(frozen=True)
class Content:
    """Where an object's bytes are: in memory or in files."""

    pieces: tuple[bytes, ...] = ()
    """The content itself, in pieces of any size."""
    blobs: tuple[Blob, ...] = ()
    chunk_keys: tuple[bytes, ...] = ()
    """Where version 1 keeps what belongs into `pieces`."""

    @property
    def blob_ids(self) -> tuple[bytes, ...]:
        """Ids of the content files."""
        return tuple(blob.blob_id for blob in self.blobs)


@dataclass(frozen=True)
class StoredObject:
    """A metadata record."""

    info: ObjectInfo
    content: Content
    completed: str = ""
    """What completed it, if it was uploaded in parts: see `multipart`."""


@dataclass(frozen=True)
class StoredPart:
    """A part record."""

    info: PartInfo
    blob: Blob
    sha256: str


def bucket_prefix(family: bytes, bucket: bytes) -> bytes:
    """What all keys of a family (`META` or `UPLOAD`) begin with in one bucket."""
    return family + _LENGTH.pack(len(bucket)) + bucket


def part_key(upload_id: bytes, number: int) -> bytes:
    """Key of a part record."""
    return PART + upload_id + _NUMBER.pack(number)


def reference_key(blob_id: bytes) -> bytes:
    """Key that is there as long as an object or a part has this content file."""
    return REFERENCE + blob_id


def chunk_key(object_id: bytes, number: int) -> bytes:
    """Key of a chunk of version 1."""
    return CHUNK + object_id + _NUMBER.pack(number)


def encode_object(stored: StoredObject) -> bytes:
    """A metadata record."""
    fields: dict[str, object] = {"version": VERSION, **vars(stored.info)}
    if stored.completed:
        fields["completed"] = stored.completed
    content = stored.content
    if content.blobs:
        fields["blobs"] = len(content.blobs)
        return _line(fields) + b"".join(_BLOB.pack(b.blob_id, b.size_bytes) for b in content.blobs)
    return _line(fields) + b"".join(content.pieces)


def decode_info(record: bytes) -> ObjectInfo:
    """What a metadata record says about the object; content files are not looked at.

    Raises:
        NotAStore: a newer version wrote it.
    """
    return _info(_fields(record, record.find(b"\n")))


def decode_object(record: bytes) -> StoredObject:
    """A whole metadata record.

    Raises:
        NotAStore: a newer version wrote it.
    """
    newline = record.find(b"\n")
    fields = _fields(record, newline)
    completed = str(fields.get("completed", ""))
    if newline < 0:
        object_id, count = bytes.fromhex(str(fields["object_id"])), int(str(fields["chunks"]))
        content = Content(chunk_keys=tuple(chunk_key(object_id, number) for number in range(count)))
    elif "blobs" in fields:
        table = _BLOB.iter_unpack(memoryview(record)[newline + 1 :])
        content = Content(blobs=tuple(Blob(*row) for row in table))
    else:
        content = Content(pieces=(record[newline + 1 :],))
    return StoredObject(_info(fields), content, completed)


_NOT_INFO = ("version", "blobs", "completed", "object_id", "chunks")


def _info(fields: dict[str, object]) -> ObjectInfo:
    for name in _NOT_INFO:
        fields.pop(name, None)
    return ObjectInfo(**fields)  # type: ignore[arg-type] # written from an ObjectInfo's fields


def encode_upload(upload: UploadInfo) -> bytes:
    """An upload record."""
    fields = {"version": CHECKSUM_VERSION if upload.checksum else VERSION, **vars(upload)}
    if not upload.checksum:
        del fields["checksum"], fields["checksum_type"]
    return _json(fields)


def decode_upload(record: bytes) -> UploadInfo:
    """An upload record read back. Raises `NotAStore`."""
    fields = _fields(record, -1)
    del fields["version"]
    return UploadInfo(**fields)  # type: ignore[arg-type] # as above


def encode_part(part: StoredPart) -> bytes:
    """A part record."""
    place = {"blob_id": part.blob.blob_id.hex(), "sha256": part.sha256}
    return _json({"version": VERSION, **vars(part.info), **place})


def decode_part(record: bytes) -> StoredPart:
    """A part record read back. Raises `NotAStore`."""
    fields = _fields(record, -1)
    blob_id, sha256 = bytes.fromhex(str(fields.pop("blob_id"))), str(fields.pop("sha256"))
    del fields["version"]
    info = PartInfo(**fields)  # type: ignore[arg-type] # as above
    return StoredPart(info, Blob(blob_id, info.size_bytes), sha256)


def _fields(record: bytes, end: int) -> dict[str, object]:
    text = (record if end < 0 else record[:end]).decode()
    fields: dict[str, object] = _DECODER.raw_decode(text)[0]
    version = fields.get("version", 1)
    if not isinstance(version, int) or version > CHECKSUM_VERSION:
        raise NotAStore(
            f"an object record has format version {version}, this lab reads up to "
            f"{CHECKSUM_VERSION}; upgrade the lab"
        )
    return fields


def _json(fields: dict[str, object]) -> bytes:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def _line(fields: dict[str, object]) -> bytes:
    return _json(fields) + b"\n"
