"""An object store in a key-value store: buckets, objects of any size, their checksums.

**Commit point**: the one batch that writes the object's metadata record. Content larger than
a chunk is written before it, chunk by chunk, under an id of its own that nothing refers to
yet. A reader sees the old object until that batch is durable, the new one from then on, and
never a mixture. The same batch removes the chunks of what it replaces. Chunks that a crash
left without metadata are removed when the store is opened again, or by `collect_garbage`.

Keys in the store (lengths are part of them, so no two pairs of bucket and key can meet):

    "obj" 0 "b" bucket                                bucket record
    "obj" 0 "m" length of bucket u16, bucket, key     metadata, JSON
    "obj" 0 "c" object id (16 bytes), number u32      one chunk

Numbers in keys are big-endian, so that byte order is their order.
"""

from __future__ import annotations

import hashlib
import json
import struct
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from veristack_lab.errors import BucketNotFound, ChecksumMismatch, InvalidInput, ObjectNotFound
from veristack_lab.veristore.kv import Store
from veristack_lab.veristore.mutations import MAX_VALUE_BYTES, Batch
from veristack_lab.veristore.object_types import (
    DEFAULT_CONTENT_TYPE,
    ObjectInfo,
    bucket_bytes,
    check_put,
    key_bytes,
    prefix_bytes,
)

DEFAULT_CHUNK_BYTES = 1024 * 1024

_BUCKET = b"obj\x00b"
_META = b"obj\x00m"
_CHUNK = b"obj\x00c"
_LENGTH = struct.Struct(">H")
_NUMBER = struct.Struct(">I")
_ID_BYTES = 16
_STRIPES = 64


@dataclass
class _Shared:
    """What all object stores over one store must agree on."""

    uploads: set[bytes] = field(default_factory=set)
    """Ids of puts in flight: the collector leaves their chunks alone."""
    stripes: list[threading.Lock] = field(
        default_factory=lambda: [threading.Lock() for _ in range(_STRIPES)]
    )
    """Two commits to one key must see each other's metadata, or chunks would be left behind."""


_shared: WeakKeyDictionary[Store, _Shared] = WeakKeyDictionary()
_shared_lock = threading.Lock()


@dataclass(frozen=True)
class _Stored:
    """A metadata record."""

    info: ObjectInfo
    object_id: bytes
    chunks: int


class ObjectStore:
    """Buckets and objects over an open store. Thread-safe. Implements `Objects`.

    Args:
        store: stays the caller's, to be closed by the caller.
        chunk_bytes: how content is cut; one chunk is one value of the store.
        new_id: gives 16 bytes, never the same twice.
    """

    def __init__(
        self,
        store: Store,
        *,
        chunk_bytes: int = DEFAULT_CHUNK_BYTES,
        new_id: Callable[[], bytes] = lambda: uuid.uuid4().bytes,
    ) -> None:
        if not 0 < chunk_bytes <= MAX_VALUE_BYTES:
            raise InvalidInput(f"chunk_bytes is {chunk_bytes}; give 1 to {MAX_VALUE_BYTES:,}")
        self._store = store
        self._chunk_bytes = chunk_bytes
        self._new_id = new_id
        with _shared_lock:
            self._shared = _shared.setdefault(store, _Shared())
        self.collect_garbage()

    def __repr__(self) -> str:
        return f"ObjectStore({self._store!r})"

    # ------------------------------------------------------------------ buckets

    def create_bucket(self, bucket: str) -> bool:
        """See `Objects.create_bucket`."""
        key = _BUCKET + bucket_bytes(bucket)
        with self._stripe(key):
            if self._store.get(key) is not None:
                return False
            record = {"created_ms": self._store.clock.now_ms()}
            self._store.put(key, json.dumps(record).encode())
            return True

    def buckets(self) -> list[str]:
        """Names of all buckets, in byte order."""
        return [key[len(_BUCKET) :].decode() for key, _ in self._store.scan(_BUCKET)]

    # ------------------------------------------------------------------ objects

    def put(
        self,
        bucket: str,
        key: str,
        data: bytes,
        *,
        content_type: str = DEFAULT_CONTENT_TYPE,
        metadata: Mapping[str, str] | None = None,
    ) -> ObjectInfo:
        """See `Objects.put`. Returns after the commit point."""
        notes = dict(metadata or {})
        meta_key = self._meta_key(bucket, key)
        check_put(data, content_type, notes)
        info = ObjectInfo(
            bucket=bucket,
            key=key,
            size_bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            content_type=content_type,
            metadata=notes,
            created_ms=self._store.clock.now_ms(),
            md5=hashlib.md5(data, usedforsecurity=False).hexdigest(),
        )
        with self._upload() as object_id:
            chunks, batch = self._write_content(object_id, data), Batch()
            if chunks == 1:
                batch.put(_chunk_key(object_id, 0), data)
            batch.put(meta_key, _encode(_Stored(info, object_id, chunks)))
            with self._stripe(meta_key):
                self._remove_chunks(batch, self._stored(meta_key))
                self._store.write(batch)
        return info

    def get(self, bucket: str, key: str) -> bytes:
        """See `Objects.get`."""
        meta_key = self._meta_key(bucket, key)
        stored = self._found(meta_key, bucket, key)
        while True:
            parts = [self._store.get(_chunk_key(stored.object_id, n)) for n in range(stored.chunks)]
            data = b"".join(part for part in parts if part is not None)
            if None not in parts and hashlib.sha256(data).hexdigest() == stored.info.sha256:
                return data
            # Perhaps the object was replaced while its chunks were read; then read the new one.
            now = self._found(meta_key, bucket, key)
            if now.object_id == stored.object_id:
                raise ChecksumMismatch(
                    f"{bucket}/{key}: {len(data):,} of {stored.info.size_bytes:,} stored bytes are "
                    "there, and their SHA-256 is not that of what was written. Put it again"
                )
            stored = now

    def head(self, bucket: str, key: str) -> ObjectInfo:
        """See `Objects.head`."""
        return self._found(self._meta_key(bucket, key), bucket, key).info

    def list(self, bucket: str, prefix: str = "") -> list[ObjectInfo]:
        """See `Objects.list`."""
        start = self._meta_prefix(bucket) + prefix_bytes(prefix)
        return [_decode(value).info for _, value in self._store.scan(start)]

    def delete(self, bucket: str, key: str) -> None:
        """See `Objects.delete`. Metadata and chunks go in one batch."""
        meta_key = self._meta_key(bucket, key)
        with self._stripe(meta_key):
            stored = self._stored(meta_key)
            if stored is None:
                return
            batch = Batch().delete(meta_key)
            self._remove_chunks(batch, stored)
            self._store.write(batch)

    def collect_garbage(self) -> int:
        """Remove chunks that no metadata and no put in flight refers to. Returns how many.

        Safe beside any other call. The order is what makes it so: chunks are listed first,
        then the puts in flight, then the metadata. A chunk that was listed belonged to a put
        that is either still in flight, or has committed its metadata before that is read, or
        was replaced or given up, in which case nobody will ask for it.
        """
        listed = [key for key, _ in self._store.scan(_CHUNK)]
        alive = set(self._shared.uploads)
        alive.update(_decode(value).object_id for _, value in self._store.scan(_META))
        orphans = [key for key in listed if _id_of(key) not in alive]
        for first in range(0, len(orphans), 1000):
            batch = Batch()
            for key in orphans[first : first + 1000]:
                batch.delete(key)
            self._store.write(batch)
        return len(orphans)

    # ------------------------------------------------------------------ details

    @contextmanager
    def _upload(self) -> Iterator[bytes]:
        object_id = self._new_id()
        self._shared.uploads.add(object_id)
        try:
            yield object_id
        finally:
            self._shared.uploads.discard(object_id)

    def _write_content(self, object_id: bytes, data: bytes) -> int:
        """Write the chunks of large content. Content of one chunk goes with the metadata."""
        chunks = -(-len(data) // self._chunk_bytes)
        if chunks > 1:
            for number in range(chunks):
                part = data[number * self._chunk_bytes : (number + 1) * self._chunk_bytes]
                self._store.put(_chunk_key(object_id, number), part)
        return chunks

    def _remove_chunks(self, batch: Batch, stored: _Stored | None) -> None:
        if stored is not None:
            for number in range(stored.chunks):
                batch.delete(_chunk_key(stored.object_id, number))

    def _stripe(self, key: bytes) -> threading.Lock:
        return self._shared.stripes[hash(key) % _STRIPES]

    def _meta_prefix(self, bucket: str) -> bytes:
        name = bucket_bytes(bucket)
        if self._store.get(_BUCKET + name) is None:
            raise BucketNotFound(f"there is no bucket {bucket!r}; make it with create_bucket")
        return _META + _LENGTH.pack(len(name)) + name

    def _meta_key(self, bucket: str, key: str) -> bytes:
        encoded = key_bytes(key)
        return self._meta_prefix(bucket) + encoded

    def _stored(self, meta_key: bytes) -> _Stored | None:
        record = self._store.get(meta_key)
        return None if record is None else _decode(record)

    def _found(self, meta_key: bytes, bucket: str, key: str) -> _Stored:
        stored = self._stored(meta_key)
        if stored is None:
            raise ObjectNotFound(f"there is no object {key!r} in bucket {bucket!r}")
        return stored


def _chunk_key(object_id: bytes, number: int) -> bytes:
    return _CHUNK + object_id + _NUMBER.pack(number)


def _id_of(chunk_key: bytes) -> bytes:
    return chunk_key[len(_CHUNK) : len(_CHUNK) + _ID_BYTES]


def _encode(stored: _Stored) -> bytes:
    fields = {**vars(stored.info), "object_id": stored.object_id.hex(), "chunks": stored.chunks}
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def _decode(record: bytes) -> _Stored:
    fields = json.loads(record)
    object_id, chunks = bytes.fromhex(fields.pop("object_id")), fields.pop("chunks")
    return _Stored(ObjectInfo(**fields), object_id, chunks)
