"""Uploads in parts (S3 API Reference, "Uploading and copying objects using multipart upload").

    start_upload -> put_part, in any order and again at will -> complete_upload | abort_upload

An upload and its parts are records of their own, so they survive a reopen, and the parts'
content files are referenced and not garbage until the upload is completed or aborted.

**Commit points**: of a part, the batch that writes its record; of the completion, the batch
that writes the object's metadata record and removes the upload and all its parts. Before it a
reader sees the old object and the upload is open; after it the reader sees the new object and
the upload is gone. No byte of content is copied: the object consists of the parts' files.
Files of parts that the completion did not name, or that were replaced, go after that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

from veristack_lab.errors import (
    InvalidInput,
    InvalidPart,
    InvalidPartOrder,
    PartTooSmall,
    UploadNotFound,
)
from veristack_lab.veristore.objects.conditions import Condition
from veristack_lab.veristore.objects.content import Data
from veristack_lab.veristore.objects.digests import Digests, composite
from veristack_lab.veristore.objects.keeper import ObjectKeeper
from veristack_lab.veristore.objects.part_checksums import Demand, check_choice, checksums_of
from veristack_lab.veristore.objects.records import (
    ID_BYTES,
    PART,
    UPLOAD,
    Content,
    StoredObject,
    StoredPart,
    bucket_prefix,
    decode_part,
    decode_upload,
    encode_part,
    encode_upload,
    part_key,
    reference_key,
)
from veristack_lab.veristore.objects.types import (
    DEFAULT_CONTENT_TYPE,
    MAX_OBJECT_BYTES,
    MAX_PARTS,
    ObjectInfo,
    PartInfo,
    UploadInfo,
    bucket_bytes,
    check_notes,
    key_bytes,
    prefix_bytes,
)
from veristack_lab.veristore.wal.mutations import Batch


class Multipart(ObjectKeeper):
    """The part of `ObjectStore` that takes objects in parts."""

    def start_upload(
        self,
        bucket: str,
        key: str,
        *,
        content_type: str = DEFAULT_CONTENT_TYPE,
        metadata: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        checksum: str = "",
        checksum_type: str = "",
    ) -> str:
        """Begin an upload, durably. Returns its id, for the other calls.

        Args:
            bucket, key: of the object that it is to become.
            content_type, metadata, headers: of that object; see `ObjectStore.put`.
            checksum, checksum_type: what every part and the object get; see `part_checksums`.

        Raises:
            BucketNotFound, InvalidInput: see `Objects`.
        """
        notes, kept = dict(metadata or {}), dict(headers or {})
        check_notes(content_type, notes, kept)
        sums = check_choice(checksum, checksum_type)
        meta_key, upload_id = self._meta_key(bucket, key), self._new_id()
        now_ms = self._store.clock.now_ms()
        upload = UploadInfo(bucket, key, upload_id.hex(), now_ms, content_type, notes, kept, *sums)
        with self._shared.commits(meta_key):
            self._meta_prefix(bucket)  # still there, now that no other call can delete it
            record_key = _upload_key(bucket, key, upload_id)
            self._commit(Batch().put(record_key, encode_upload(upload)))
        return upload.upload_id

    def put_part(
        self,
        bucket: str,
        key: str,
        upload_id: str,
        number: int,
        data: Data,
        *,
        expect: Mapping[str, str] | None = None,
    ) -> PartInfo:
        """Store one part durably, replacing the one of its number in one step.

        Args:
            bucket, key, upload_id: the upload.
            number: 1 to 10,000; parts become the object in the order of their numbers.
            data: bytes, or an iterable of bytes that is read once, in constant memory.
            expect: checksums that the content must have; see `ObjectStore.put`. The upload's
                own is computed in any case.

        Raises:
            UploadNotFound: there is no such upload, or it ended meanwhile.
            ChecksumMismatch: the content is not what was announced. Nothing was changed.
            InvalidInput: the number or the content is not valid.
            DiskFull, StoreFailed: see `ObjectStore.put`.
        """
        if not 1 <= number <= MAX_PARTS:
            raise InvalidInput(f"part number {number}: parts are numbered 1 to {MAX_PARTS:,}")
        _, upload = self._upload(bucket, key, upload_id)
        what = f"part {number} of {bucket}/{key}"
        with Digests(expect, also=upload.checksum) as digests, self._in_flight() as flight:
            content = self._write_content(flight, data, digests, what, inline=False)
            (blob,) = content.blobs
            now_ms = self._store.clock.now_ms()
            info = PartInfo(
                number, blob.size_bytes, digests.hex("md5"), digests.demanded, created_ms=now_ms
            )
            part = StoredPart(info, blob, digests.hex("sha256"))
            with self._shared.commits(self._meta_key(bucket, key)):
                raw_id, _ = self._upload(bucket, key, upload_id)
                old = self._part(raw_id, number)
                batch = Batch().put(part_key(raw_id, number), encode_part(part))
                batch.put(reference_key(blob.blob_id), part_key(raw_id, number))
                self._commit(batch, flight, _forget_parts(batch, [old] if old else []))
        return info

    def parts(self, bucket: str, key: str, upload_id: str) -> list[PartInfo]:
        """The parts that an upload has so far, by number.

        Raises:
            UploadNotFound: there is no such upload.
        """
        raw_id, _ = self._upload(bucket, key, upload_id)
        return [part.info for part in self._parts(raw_id)]

    def upload(self, bucket: str, key: str, upload_id: str) -> UploadInfo:
        """What an upload was started with. Raises `UploadNotFound`."""
        return self._upload(bucket, key, upload_id)[1]

    def uploads(self, bucket: str, prefix: str = "") -> list[UploadInfo]:
        """The open uploads whose key begins with the prefix: by key, in byte order, then by the
        time they were started."""
        self._meta_prefix(bucket)
        within = bucket_prefix(UPLOAD, bucket_bytes(bucket)) + prefix_bytes(prefix)
        prefix_end = len(within) - len(prefix.encode())
        found = [
            decode_upload(record)
            for record_key, record in self._store.scan(within)
            # the prefix may reach into the id that follows the key
            if record_key[prefix_end:-ID_BYTES].startswith(prefix.encode())
        ]
        return sorted(found, key=lambda u: (u.key.encode(), u.started_ms, u.upload_id))

    def abort_upload(self, bucket: str, key: str, upload_id: str) -> None:
        """End an upload and remove its parts.

        Raises:
            UploadNotFound: there is no such upload.
        """
        meta_key = self._meta_key(bucket, key)
        with self._shared.commits(meta_key):
            raw_id, _ = self._upload(bucket, key, upload_id)
            self._end_upload(bucket, key, raw_id)

    def complete_upload(
        self,
        bucket: str,
        key: str,
        upload_id: str,
        parts: Sequence[tuple[int, str]],
        *,
        if_none_match: bool = False,
        if_match: str | None = None,
        expect: Mapping[str, str] | None = None,
        checksum_type: str = "",
        expect_size_bytes: int | None = None,
    ) -> ObjectInfo:
        """Make the object out of parts, in one step. Returns after the commit point.

        The same completion may be sent again: as long as the object is the one that it made,
        it returns that object.

        Args:
            bucket, key, upload_id: the upload.
            parts: number and ETag of each part that the object has, ascending.
            if_none_match, if_match: as in `ObjectStore.put`.
            expect: checksums that the object must have, in hexadecimal; a composite one with
                or without its number of parts.
            checksum_type: the kind of these; the upload's, if it has a checksum.
            expect_size_bytes: the size that the object must have.

        Raises:
            UploadNotFound: there is no such upload.
            ChecksumMismatch: the object would have another checksum. Nothing was changed.
            InvalidPart: a part is missing, or has another ETag.
            InvalidPartOrder: the numbers do not ascend.
            PartTooSmall: one that is not the last is under `min_part_bytes`.
            PreconditionFailed, ObjectNotFound: see `ObjectStore.put`; the upload stays open.
            InvalidInput: no parts, more than 5 TiB together, another size than expected, or a
                checksum that cannot be checked.
        """
        condition = Condition(if_none_match, if_match)
        demand = Demand(expect or {}, checksum_type, expect_size_bytes)
        meta_key, completed = self._meta_key(bucket, key), _completed(upload_id, parts)
        with self._shared.commits(meta_key):
            done = self._stored(meta_key)
            if done is not None and done.completed == completed:
                demand.check(done.info)
                return done.info
            raw_id, upload = self._upload(bucket, key, upload_id)
            uploaded = {part.info.number: part for part in self._parts(raw_id)}
            chosen = choose_parts(uploaded, parts, self._min_part_bytes)
            info = assemble(demand.agreed(upload), chosen, self._store.clock.now_ms())
            demand.check(info)
            content = Content(blobs=tuple(part.blob for part in chosen))
            batch = Batch().delete(_upload_key(bucket, key, raw_id))
            for number in uploaded:
                batch.delete(part_key(raw_id, number))
            used = {part.info.number for part in chosen}
            unused = [part for number, part in uploaded.items() if number not in used]
            stored = StoredObject(info, content, completed)
            orphaned = _forget_parts(batch, unused)
            return self._commit_object(meta_key, stored, condition, None, batch, orphaned)

    # ------------------------------------------------------------------ details

    def _upload(self, bucket: str, key: str, upload_id: str) -> tuple[bytes, UploadInfo]:
        self._meta_prefix(bucket)
        key_bytes(key)
        raw_id = _raw_id(upload_id)
        record = None if raw_id is None else self._store.get(_upload_key(bucket, key, raw_id))
        if raw_id is None or record is None:
            raise UploadNotFound(
                f"there is no upload {upload_id!r:.60} of {bucket}/{key}: it was completed, "
                "aborted, or never begun"
            )
        return raw_id, decode_upload(record)

    def _part(self, raw_id: bytes, number: int) -> StoredPart | None:
        record = self._store.get(part_key(raw_id, number))
        return None if record is None else decode_part(record)

    def _parts(self, raw_id: bytes) -> list[StoredPart]:
        return [decode_part(record) for _, record in self._store.scan(PART + raw_id)]

    def _end_upload(self, bucket: str, key: str, raw_id: bytes) -> None:
        """Remove an upload's records in one batch, then its files."""
        batch, parts = Batch().delete(_upload_key(bucket, key, raw_id)), self._parts(raw_id)
        for part in parts:
            batch.delete(part_key(raw_id, part.info.number))
        self._commit(batch, None, _forget_parts(batch, parts))

    def _end_uploads(self, bucket: str) -> None:
        for upload in self.uploads(bucket):
            self._end_upload(bucket, upload.key, bytes.fromhex(upload.upload_id))


def choose_parts(
    uploaded: Mapping[int, StoredPart], wanted: Sequence[tuple[int, str]], min_part_bytes: int
) -> list[StoredPart]:
    """The parts that a completion names.

    Raises:
        InvalidPart, InvalidPartOrder, PartTooSmall, InvalidInput: see `complete_upload`.
    """
    if not wanted:
        raise InvalidInput("an object has at least one part; name those it consists of")
    chosen = []
    last_number = 0
    for number, etag in wanted:
        if number <= last_number:
            raise InvalidPartOrder(f"part {number} is named after part {last_number}")
        last_number = number
        part = uploaded.get(number)
        if part is None or part.info.etag != etag:
            there = "was not uploaded" if part is None else f"has ETag {part.info.etag}"
            raise InvalidPart(f"part {number} with ETag {etag:.80} cannot be taken: it {there}")
        chosen.append(part)
    for part in chosen[:-1]:
        if part.info.size_bytes < min_part_bytes:
            raise PartTooSmall(
                f"part {part.info.number} has {part.info.size_bytes:,} bytes; all but the last "
                f"must have {min_part_bytes:,}"
            )
    if sum(part.info.size_bytes for part in chosen) > MAX_OBJECT_BYTES:
        raise InvalidInput("the parts are more than 5 TiB together")
    return chosen


def assemble(upload: UploadInfo, parts: Sequence[StoredPart], now_ms: int) -> ObjectInfo:
    """What is known of the object that these parts become, without reading them."""
    return ObjectInfo(
        bucket=upload.bucket,
        key=upload.key,
        size_bytes=sum(part.info.size_bytes for part in parts),
        sha256=composite("sha256", [part.sha256 for part in parts]),
        content_type=upload.content_type,
        metadata=upload.metadata,
        created_ms=now_ms,
        etag=composite("md5", [part.info.etag for part in parts]),
        headers=upload.headers,
        checksums=checksums_of(
            upload.checksum, upload.checksum_type, [part.info for part in parts]
        ),
    )


def _forget_parts(batch: Batch, parts: Sequence[StoredPart]) -> list[bytes]:
    """Add the removal of the parts' references to a batch. Returns their content files."""
    for part in parts:
        batch.delete(reference_key(part.blob.blob_id))
    return [part.blob.blob_id for part in parts]


def _upload_key(bucket: str, key: str, raw_id: bytes) -> bytes:
    return bucket_prefix(UPLOAD, bucket_bytes(bucket)) + key_bytes(key) + raw_id


def _raw_id(upload_id: str) -> bytes | None:
    try:
        raw_id = bytes.fromhex(upload_id)
    except (ValueError, TypeError):
        return None
    return raw_id if len(raw_id) == ID_BYTES and raw_id.hex() == upload_id else None


def _completed(upload_id: str, parts: Sequence[tuple[int, str]]) -> str:
    """Names a completion: kept with the object, so that the same one is known again."""
    named = json.dumps([[number, etag] for number, etag in parts])
    return f"{upload_id}-{hashlib.sha256(named.encode()).hexdigest()[:32]}"
