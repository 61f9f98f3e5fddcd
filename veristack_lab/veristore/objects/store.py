"""An object store over a store: buckets, objects of any size, their checksums.

**Commit point**: the one batch that writes the object's metadata record. Small content is part
of that record. Large content lies in a file of its own (see `blobs`), which is durable before,
under an id that nothing refers to yet. A reader sees the old object until that batch is
durable, the new one from then on, and never a mixture. Content that was replaced is removed
only after that, and stays for those who were reading it. What a power cut left without
metadata is removed when the store is opened again, or by `collect_garbage`.

A recovery that gives up records of a damaged log may bring metadata back whose content is gone
with good reason: reading such an object raises `ChecksumMismatch`, and says what is missing.

How all of it is written down: see `records`.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Mapping

from veristack_lab.errors import BucketNotEmpty, BucketNotFound
from veristack_lab.veristore.keyvalue import LocalKeyValue
from veristack_lab.veristore.objects import listing
from veristack_lab.veristore.objects.conditions import Condition
from veristack_lab.veristore.objects.content import Data
from veristack_lab.veristore.objects.digests import Digests
from veristack_lab.veristore.objects.garbage import Collector
from veristack_lab.veristore.objects.multipart import Multipart
from veristack_lab.veristore.objects.reader import ObjectReader, satisfy
from veristack_lab.veristore.objects.records import (
    BUCKET,
    Content,
    StoredObject,
    decode_info,
)
from veristack_lab.veristore.objects.types import (
    DEFAULT_CONTENT_TYPE,
    MAX_PAGE,
    ObjectInfo,
    Page,
    bucket_bytes,
    check_notes,
    prefix_bytes,
)
from veristack_lab.veristore.opening import explain_opening
from veristack_lab.veristore.wal.mutations import Batch

DEFAULT_CHUNK_BYTES = 1024 * 1024
MIN_PART_BYTES = 5 * 1024 * 1024
"""As in S3; the last part may be smaller."""


class ObjectStore(Multipart, Collector):
    """Buckets and objects over an open store. Thread-safe. Implements `Objects`.

    Opening it collects garbage, which costs one look-up for each content file. Over a store that
    was opened with `read_only` it reads, collects nothing, and refuses writes (`StoreReadOnly`).

    Args:
        store: stays the caller's, to be closed by the caller.
        chunk_bytes: how content files are cut; a chunk is what is verified as one. Content up
            to this length, and up to 64 KiB, lies in memory.
        min_part_bytes: the least length of a part of an upload that is not the last.
        new_id: gives 16 bytes, never the same twice.
    """

    def __init__(
        self,
        store: LocalKeyValue,
        *,
        chunk_bytes: int = DEFAULT_CHUNK_BYTES,
        min_part_bytes: int = MIN_PART_BYTES,
        new_id: Callable[[], bytes] = lambda: uuid.uuid4().bytes,
    ) -> None:
        super().__init__(store, chunk_bytes, min_part_bytes, new_id)
        if store.is_read_only:
            return
        try:
            self.collect_garbage()
        except OSError as cause:
            raise explain_opening(cause, store.path) from cause

    def __repr__(self) -> str:
        return f"ObjectStore({self._store!r})"

    # ------------------------------------------------------------------ buckets

    def create_bucket(self, bucket: str) -> bool:
        """See `Objects.create_bucket`."""
        record_key = BUCKET + bucket_bytes(bucket)
        with self._shared.commits(record_key):
            if self._store.get(record_key) is not None:
                return False
            record = {"created_ms": self._store.clock.now_ms()}
            self._store.put(record_key, json.dumps(record).encode())
            return True

    def delete_bucket(self, bucket: str) -> None:
        """Remove a bucket without objects, durably; its open uploads are aborted.

        Raises:
            BucketNotEmpty: it holds objects.
            BucketNotFound: it is not there.
        """
        with self._shared.commits():
            if next(self._store.scan(self._meta_prefix(bucket), limit=1), None) is not None:
                raise BucketNotEmpty(f"the bucket {bucket!r} holds objects; delete them first")
            self._end_uploads(bucket)
            self._commit(Batch().delete(BUCKET + bucket_bytes(bucket)))

    def buckets(self) -> list[str]:
        """Names of all buckets, in byte order."""
        return [key[len(BUCKET) :].decode() for key, _ in self._store.scan(BUCKET)]

    def bucket_created_ms(self, bucket: str) -> int:
        """When a bucket was made, in milliseconds since 1970. Raises `BucketNotFound`."""
        record = self._store.get(BUCKET + bucket_bytes(bucket))
        if record is None:
            raise BucketNotFound(f"there is no bucket {bucket!r}; make it with create_bucket")
        return int(json.loads(record)["created_ms"])

    def head_bucket(self, bucket: str) -> None:
        """Return if the bucket is there. Raises `BucketNotFound`."""
        self._meta_prefix(bucket)

    # ------------------------------------------------------------------ writing

    def put(
        self,
        bucket: str,
        key: str,
        data: Data,
        *,
        content_type: str = DEFAULT_CONTENT_TYPE,
        metadata: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        if_none_match: bool = False,
        if_match: str | None = None,
        expect: Mapping[str, str] | None = None,
    ) -> ObjectInfo:
        """Store an object durably, replacing the one of that key in one step.

        Returns after the commit point, which is the durable write of the metadata record:
        whoever reads before sees the old object, whoever reads after the new one.

        Args:
            bucket, key: where to.
            data: bytes, or an iterable of bytes that is read once, in constant memory.
            content_type: its media type, printable ASCII.
            metadata: notes; lower-case names, values in Unicode, 8 KiB together.
            headers: further standard headers to keep (see `HEADER_NAMES`).
            if_none_match: only if there is no object of this key.
            if_match: only if the object has this ETag ("*": any).
            expect: checksums that the content must have: "md5", "sha256", "sha1", "crc32",
                "crc32c" or "crc64nvme" to lower-case hexadecimal. They are kept in
                `ObjectInfo.checksums`. With an empty value the checksum is only computed and
                kept. Values are looked at when the data has ended, so its source may fill them
                in until then.

        Raises:
            PreconditionFailed: an object is there and should not be, or has another ETag.
            ObjectNotFound: `if_match` is given, and there is no object.
            ChecksumMismatch: the content is not what was announced. Nothing was changed.
            DiskFull: no room. Nothing was changed.
            StoreFailed, StoreClosed: as in `Store.put`.
            BucketNotFound, InvalidInput: see `Objects`.
        """
        condition = Condition(if_none_match, if_match)
        meta_key = self._meta_key(bucket, key)
        notes, kept = dict(metadata or {}), dict(headers or {})
        check_notes(content_type, notes, kept)
        if condition:
            # once more when it counts; this look saves writing content in vain
            old = self._stored(meta_key)
            condition.check(bucket, key, None if old is None else old.info)
        with Digests(expect) as digests, self._in_flight() as flight:
            content = self._write_content(flight, data, digests, f"{bucket}/{key}")
            info = ObjectInfo(
                bucket=bucket,
                key=key,
                size_bytes=digests.size_bytes,
                sha256=digests.hex("sha256"),
                content_type=content_type,
                metadata=notes,
                created_ms=self._store.clock.now_ms(),
                md5=digests.hex("md5"),
                headers=kept,
                checksums=digests.demanded,
            )
            with self._shared.commits(meta_key):
                stored = StoredObject(info, content)
                return self._commit_object(meta_key, stored, condition, flight)

    def copy(
        self,
        source_bucket: str,
        source_key: str,
        bucket: str,
        key: str,
        *,
        metadata: Mapping[str, str] | None = None,
        content_type: str | None = None,
        headers: Mapping[str, str] | None = None,
        if_none_match: bool = False,
        if_match: str | None = None,
    ) -> ObjectInfo:
        """Put an object's content, verified on the way, under another key or its own.

        Args:
            source_bucket, source_key: what to copy.
            bucket, key: where to.
            metadata, content_type, headers: instead of the source's, each where given.
            if_none_match, if_match: on the object that is replaced; see `put`.

        Raises:
            ObjectNotFound, BucketNotFound: the source, or the bucket, is not there.
            ChecksumMismatch: the source is damaged. Nothing was changed.
        """
        with self.open(source_bucket, source_key) as reader:
            info = reader.info
            return self.put(
                bucket,
                key,
                reader,
                content_type=info.content_type if content_type is None else content_type,
                metadata=info.metadata if metadata is None else metadata,
                headers=info.headers if headers is None else headers,
                if_none_match=if_none_match,
                if_match=if_match,
                expect=dict.fromkeys(info.checksums, ""),
            )

    def delete(self, bucket: str, key: str, *, if_match: str | None = None) -> None:
        """See `Objects.delete`. The metadata goes durably, then the content.

        Raises:
            PreconditionFailed: `if_match` is given, and the object has another ETag.
            ObjectNotFound: `if_match` is given, and there is no object.
        """
        meta_key = self._meta_key(bucket, key)
        with self._shared.commits(meta_key):
            old = self._stored(meta_key)
            Condition(if_match=if_match).check(bucket, key, None if old is None else old.info)
            if old is not None:
                batch = Batch().delete(meta_key)
                self._commit(batch, None, self._forget_content(batch, old))

    def delete_many(self, bucket: str, keys: Iterable[str]) -> int:
        """Remove objects and their content, durably, a thousand in one step. Returns how many
        there were; those that are not there are no error."""
        meta_keys = list(dict.fromkeys(self._meta_key(bucket, key) for key in keys))
        first = range(0, len(meta_keys), MAX_PAGE)
        return sum(self._delete_together(meta_keys[at : at + MAX_PAGE]) for at in first)

    def _delete_together(self, meta_keys: list[bytes]) -> int:
        with self._shared.commits(*meta_keys):
            batch, orphaned, count = Batch(), list[bytes](), 0
            for meta_key in meta_keys:
                old = self._stored(meta_key)
                if old is not None:
                    orphaned += self._forget_content(batch.delete(meta_key), old)
                    count += 1
            if count:
                self._commit(batch, None, orphaned)
        return count

    # ------------------------------------------------------------------ reading

    def get(self, bucket: str, key: str) -> bytes:
        """See `Objects.get`."""
        with self.open(bucket, key) as reader:
            return reader.read()

    def open(
        self, bucket: str, key: str, *, start: int = 0, end: int | None = None
    ) -> ObjectReader:
        """Read an object piece by piece. Close the reader, or read to its end: until then the
        content stays, whatever becomes of the object.

        Args:
            bucket, key: the object.
            start: the first byte wanted.
            end: the byte after the last one wanted, or None for all; beyond the end is no
                error.

        Raises:
            ObjectNotFound, BucketNotFound: it is not there.
            RangeNotSatisfiable: no byte lies in the range.
        """
        with self._shared.pinning() as pins:
            stored = self._readable(bucket, key)
            span = satisfy(stored.info, start, end)
            held = stored.content.blob_ids
            pins.update(held)

        def release() -> None:
            self._remove_blobs(self._shared.unpin(held))

        return ObjectReader(stored, self._blobs, span, release)

    def head(self, bucket: str, key: str) -> ObjectInfo:
        """See `Objects.head`."""
        return self._found(bucket, key).info

    def list(self, bucket: str, prefix: str = "") -> list[ObjectInfo]:
        """See `Objects.list`."""
        within = self._meta_prefix(bucket) + prefix_bytes(prefix)
        return [decode_info(record) for _, record in self._store.scan(within)]

    def list_page(
        self,
        bucket: str,
        *,
        prefix: str = "",
        delimiter: str = "",
        start_after: str = "",
        max_keys: int = MAX_PAGE,
    ) -> Page:
        """The next objects and common prefixes, at the cost of a page, not of the bucket.

        A page shows the bucket at one moment.

        Args:
            bucket: where.
            prefix: only keys that begin with it.
            delimiter: keys in which it follows the prefix are shown as one common prefix, up
                to and with the delimiter.
            start_after: only entries behind it; a `Page.next_start_after`, or any text.
            max_keys: at most so many entries, common prefixes counted; up to 1000.

        Raises:
            BucketNotFound: there is no such bucket.
            InvalidInput: `max_keys` is negative, or a text is not Unicode.
        """
        family = self._meta_prefix(bucket)
        request = listing.page_request(prefix, delimiter, start_after, max_keys)
        with self._store.snapshot_view() as view:
            return listing.list_page(view.scan, family, request)

    def _readable(self, bucket: str, key: str) -> StoredObject:
        """Metadata and content that belong together. Content in the map is held by reference,
        so it stays whole when the object is replaced."""
        while True:
            stored = self._found(bucket, key)
            if not stored.content.chunk_keys:
                return stored
            found = [self._store.get(chunk_key) for chunk_key in stored.content.chunk_keys]
            if None not in found or self._found(bucket, key).info == stored.info:
                pieces = tuple(piece for piece in found if piece is not None)
                return StoredObject(stored.info, Content(pieces=pieces))
