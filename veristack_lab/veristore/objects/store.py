"""An object store over a store: buckets, objects of any size, their checksums.

**Commit point**: the one batch that writes the object's metadata record. Small content is part
of that record. Large content is in a file of its own (see `blobs`), which is durable before the
batch, under an id that nothing refers to yet. A reader sees the old object until the batch is
durable, the new object from then on, and never a mixture. Replaced content is removed only after
that, when no reader holds it. Content that a power cut left without metadata is removed when
the object store is opened again, or by `collect_garbage`.

A recovery that gives up records of a damaged log may restore metadata whose content was rightly
removed: reading such an object raises `ChecksumMismatch`, which says what is missing.

For the formats of the records see `records`.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping

from veristack_lab.veristore.keyvalue import LocalKeyValue
from veristack_lab.veristore.objects import listing
from veristack_lab.veristore.objects.buckets import Buckets
from veristack_lab.veristore.objects.conditions import Condition
from veristack_lab.veristore.objects.content import Data
from veristack_lab.veristore.objects.digests import Digests
from veristack_lab.veristore.objects.garbage import Collector
from veristack_lab.veristore.objects.reader import ObjectReader, satisfy
from veristack_lab.veristore.objects.records import (
    Content,
    StoredObject,
    decode_info,
)
from veristack_lab.veristore.objects.types import (
    DEFAULT_CONTENT_TYPE,
    MAX_PAGE,
    ObjectInfo,
    Page,
    check_notes,
    prefix_bytes,
)
from veristack_lab.veristore.opening import explain_opening
from veristack_lab.veristore.wal.mutations import Batch

DEFAULT_CHUNK_BYTES = 1024 * 1024
MIN_PART_BYTES = 5 * 1024 * 1024
"""As in S3; the last part of an upload may be smaller."""


class ObjectStore(Buckets, Collector):
    """Buckets and objects over an open store. Thread-safe. Implements `Objects`.

    Opening it collects garbage, at the cost of one look-up for each content file. Over a store
    that was opened with `read_only`, it can be read, collects nothing, and refuses writes
    (`StoreReadOnly`).

    Args:
        store: the caller closes it.
        chunk_bytes: length of the chunks of content files; each chunk has its own checksum.
            Content up to this length, and up to 64 KiB, is kept in memory.
        min_part_bytes: minimum length of every part of an upload but the last.
        new_id: returns 16 bytes, never the same twice.
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
        """Store an object durably, replacing an object of the same key in one step.

        Returns after the commit point, which is the durable write of the metadata record: a
        reader sees the old object before it and the new object after it.

        Args:
            bucket, key: the object's bucket and key.
            data: bytes, or an iterable of bytes that is read once, in constant memory.
            content_type: its media type, printable ASCII.
            metadata: user metadata; lower-case names, values in Unicode, at most 8 KiB together.
            headers: further standard headers to store (see `HEADER_NAMES`).
            if_none_match: store only if there is no object of this key.
            if_match: store only if there is an object with this ETag ("*": any ETag).
            expect: checksums that the content must have: "md5", "sha256", "sha1", "crc32",
                "crc32c" or "crc64nvme" to lower-case hexadecimal. They are kept in
                `ObjectInfo.checksums`. An empty value means that the checksum is only computed
                and kept. Values are read after the end of the data, so the source of the data
                may fill them in until then.

        Raises:
            PreconditionFailed: there is an object despite `if_none_match`, or its ETag is not
                `if_match`.
            ObjectNotFound: `if_match` is given, and there is no object.
            ChecksumMismatch: the content does not have a checksum of `expect`. Nothing was changed.
            DiskFull: no room. Nothing was changed.
            StoreFailed, StoreClosed: as in `Store.put`.
            BucketNotFound, InvalidInput: see `Objects`.
        """
        condition = Condition(if_none_match, if_match)
        meta_key = self._meta_key(bucket, key)
        notes, kept = dict(metadata or {}), dict(headers or {})
        check_notes(content_type, notes, kept)
        if condition:
            # checked again at the commit; an early check avoids writing content in vain
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
        """Put an object's content, verified as it is read, under another key or its own.

        Args:
            source_bucket, source_key: the object to copy.
            bucket, key: bucket and key of the copy.
            metadata, content_type, headers: replace the source's, each if given.
            if_none_match, if_match: conditions on the object that is replaced; see `put`.

        Raises:
            ObjectNotFound, BucketNotFound: the source, or the bucket, does not exist.
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
        """See `Objects.delete`. Metadata is removed durably, then the content.

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
        existed; a key without an object is not an error."""
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
        """Read an object piece by piece. Close the reader, or read to the end: until then the
        content is kept, even if the object is replaced or deleted.

        Args:
            bucket, key: the object.
            start: the first byte wanted.
            end: the byte after the last one wanted, or None for all; it may be past the end of
                the object.

        Raises:
            ObjectNotFound, BucketNotFound: there is no such object or bucket.
            RangeNotSatisfiable: the object has no byte in the range.
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
            bucket: the bucket to list.
            prefix: only keys that begin with it.
            delimiter: keys with this text after the prefix are grouped into one common prefix,
                which ends with the delimiter.
            start_after: only entries after it; a `Page.next_start_after`, or any text.
            max_keys: at most n entries, common prefixes included; up to 1000.

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
        so it stays complete when the object is replaced."""
        while True:
            stored = self._found(bucket, key)
            if not stored.content.chunk_keys:
                return stored
            found = [self._store.get(chunk_key) for chunk_key in stored.content.chunk_keys]
            if None not in found or self._found(bucket, key).info == stored.info:
                pieces = tuple(piece for piece in found if piece is not None)
                return StoredObject(stored.info, Content(pieces=pieces))
