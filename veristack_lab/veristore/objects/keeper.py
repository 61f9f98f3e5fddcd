"""What objects and uploads have in common: names, content on its way in and out, the commit.

**Commit point**: the one batch of `_commit`. Content files are durable before it, under ids
that nothing refers to yet; content that it replaces is removed after it, once it is durable.
So a reader sees the old object until that batch is durable, the new one from then on, and
never a mixture; and a power cut leaves at worst files that nothing refers to, which the
collector removes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain

from veristack_lab.errors import (
    BucketNotFound,
    DiskFull,
    InvalidInput,
    ObjectNotFound,
    StoreError,
    StoreFailed,
)
from veristack_lab.veristore.failures import is_out_of_room
from veristack_lab.veristore.keyvalue import LocalKeyValue
from veristack_lab.veristore.objects.blobs import MAX_CHUNK_BYTES, BlobFolder
from veristack_lab.veristore.objects.conditions import Condition
from veristack_lab.veristore.objects.content import Data, Flight, Outcome, in_blocks, shared_of
from veristack_lab.veristore.objects.digests import Digests
from veristack_lab.veristore.objects.records import (
    BUCKET,
    META,
    Blob,
    Content,
    StoredObject,
    bucket_prefix,
    decode_object,
    encode_object,
    reference_key,
)
from veristack_lab.veristore.objects.types import (
    MAX_OBJECT_BYTES,
    ObjectInfo,
    bucket_bytes,
    key_bytes,
)
from veristack_lab.veristore.wal.mutations import Batch

INLINE_BYTES = 64 * 1024
"""Content up to this length is part of its metadata record."""
MAX_RETIRED = 64
"""At most this many replaced contents wait for the next sync of a store that syncs seldom."""

Block = bytes | memoryview


class ObjectKeeper:
    """The base of `ObjectStore`. Each method takes one decision, so that a subclass can override
    it."""

    def __init__(
        self,
        store: LocalKeyValue,
        chunk_bytes: int,
        min_part_bytes: int,
        new_id: Callable[[], bytes],
    ) -> None:
        if not 0 < chunk_bytes <= MAX_CHUNK_BYTES:
            raise InvalidInput(f"chunk_bytes is {chunk_bytes}; give 1 to {MAX_CHUNK_BYTES:,}")
        store.check_open()
        self._store = store
        self._min_part_bytes = min_part_bytes
        self._inline_bytes = min(INLINE_BYTES, chunk_bytes)
        self._make_id = new_id
        self._blobs = BlobFolder(store.disk, store.path, chunk_bytes)
        self._shared = shared_of(store)

    # -------------------------------------------------------------------- names

    def _new_id(self) -> bytes:
        """An id for new content, never the same twice."""
        return self._make_id()

    def _meta_prefix(self, bucket: str) -> bytes:
        """What the keys of all metadata records of a bucket begin with."""
        name = bucket_bytes(bucket)
        if self._store.get(BUCKET + name) is None:
            raise BucketNotFound(f"there is no bucket {bucket!r}; make it with create_bucket")
        return bucket_prefix(META, name)

    def _meta_key(self, bucket: str, key: str) -> bytes:
        """Key of an object's metadata record: no two pairs of bucket and key share one."""
        encoded = key_bytes(key)
        return self._meta_prefix(bucket) + encoded

    def _stored(self, meta_key: bytes) -> StoredObject | None:
        record = self._store.get(meta_key)
        return None if record is None else decode_object(record)

    def _found(self, bucket: str, key: str) -> StoredObject:
        stored = self._stored(self._meta_key(bucket, key))
        if stored is None:
            raise ObjectNotFound(f"there is no object {key!r} in bucket {bucket!r}")
        return stored

    def part_sizes(self, bucket: str, key: str) -> tuple[ObjectInfo, tuple[int, ...]]:
        """An object, and the sizes in bytes of the parts that it was uploaded in; none if it was
        not uploaded in parts.

        Raises:
            ObjectNotFound, BucketNotFound: it does not exist.
        """
        stored = self._found(bucket, key)
        is_of_parts = "-" in stored.info.etag
        sizes = tuple(blob.size_bytes for blob in stored.content.blobs)
        return stored.info, sizes if is_of_parts else ()

    # ---------------------------------------------------------------- the way in

    @contextmanager
    def _in_flight(self) -> Iterator[Flight]:
        """An id for new content, which the collector spares until the body ends.

        Raises as `Store.check_writable` does, so that no content is written in vain.
        """
        self._store.check_writable()
        flight = Flight(self._new_id())
        self._shared.begin(flight.content_id)
        try:
            yield flight
        finally:
            # When the commit failed, a metadata record may still be found at the next open, so the
            # content stays until then.
            if flight.outcome is Outcome.WRITING and flight.has_file:
                self._remove_blobs([flight.content_id])
            self._shared.end(flight)

    def _write_content(
        self, flight: Flight, data: Data, digests: Digests, what: str, *, inline: bool = True
    ) -> Content:
        """Bring content in: small content into memory, other content durably into a file.

        Raises:
            InvalidInput: it is not made of bytes, or too long.
            ChecksumMismatch: it is not what was announced.
            DiskFull: there is no room for it. Nothing was changed.
            StoreFailed: the disk failed; no more content files are written.
        """
        blocks = _Source(_digested(in_blocks(data, self._blobs.block_bytes), digests, what))
        first = next(blocks, b"")
        if inline and len(first) <= self._inline_bytes:
            # shorter than a block, so there is no other
            content = Content(pieces=(bytes(first), *map(bytes, blocks)))
        else:
            size = self._write_blob(flight, first, blocks)
            content = Content(blobs=(Blob(flight.content_id, size),))
        digests.finish(what)
        return content

    def _write_blob(self, flight: Flight, first: Block, rest: _Source) -> int:
        if self._shared.refusal is not None:
            raise StoreFailed(str(self._shared.refusal))
        flight.has_file = True
        try:
            size = self._blobs.write(flight.content_id, chain([first] if first else [], rest))
        except OSError as cause:
            if cause is rest.error:
                raise
            if isinstance(cause, FileExistsError):
                flight.has_file = False
                raise InvalidInput(
                    f"new_id gave {flight.content_id.hex()} a second time; it must never do that"
                ) from cause
            raise self._explained(cause) from cause
        try:
            self._blobs.sync_names()
        except OSError as cause:
            # Which names are durable is unknown now, and the next sync may not report the error
            # again.
            raise self._refuse(cause) from cause
        return size

    def _explained(self, cause: OSError) -> StoreError:
        if is_out_of_room(cause):
            return DiskFull(
                f"the disk has no room for the content ({cause}); nothing was changed. Free some "
                "space and put it again"
            )
        return self._refuse(cause)

    def _refuse(self, cause: OSError) -> StoreFailed:
        error = StoreFailed(
            f"the disk failed while content was written ({cause}); nothing was changed, and no "
            "more content files are written. Find out what is wrong with it, then close and reopen "
            "the store"
        )
        self._shared.refusal = self._shared.refusal or error
        return error

    # ---------------------------------------------------------------- the commit

    def _commit_object(
        self,
        meta_key: bytes,
        stored: StoredObject,
        condition: Condition,
        flight: Flight | None = None,
        batch: Batch | None = None,
        orphaned: Iterable[bytes] = (),
    ) -> ObjectInfo:
        """Make an object visible instead of the one of its key. Returns after the commit point.

        Call it while holding `Shared.commits` of the key.

        Args:
            meta_key, stored: the metadata record.
            condition: what must hold for the present object.
            flight: the new content, if it is new.
            batch: further changes for the same commit.
            orphaned: further content files that nothing refers to once it is done.
        """
        bucket, key = stored.info.bucket, stored.info.key
        self._meta_prefix(bucket)  # it may have been deleted while the content was written
        old = self._stored(meta_key)
        condition.check(bucket, key, None if old is None else old.info)
        changes = batch if batch is not None else Batch()
        for blob_id in stored.content.blob_ids:
            changes.put(reference_key(blob_id), meta_key)
        changes.put(meta_key, encode_object(stored))
        replaced = self._forget_content(changes, old)
        self._commit(changes, flight, [*replaced, *orphaned])
        return stored.info

    def _forget_content(self, changes: Batch, old: StoredObject | None) -> tuple[bytes, ...]:
        """Add the removal of an old object's records to a batch. Returns its content files, which
        are removed after the commit."""
        if old is None:
            return ()
        for blob_id in old.content.blob_ids:
            changes.delete(reference_key(blob_id))
        for chunk in old.content.chunk_keys:
            changes.delete(chunk)
        return old.content.blob_ids

    def _commit(
        self, batch: Batch, flight: Flight | None = None, orphaned: Iterable[bytes] = ()
    ) -> None:
        """Write the batch: the commit point. Then remove content that it made an orphan, and
        that was made one by an earlier batch which has become durable.

        With a store that acknowledges before it syncs, content must outlive its metadata: a
        power cut may bring that back.
        """
        if flight is not None:
            flight.outcome = Outcome.UNKNOWN
        lsn = self._store.write(batch)
        if flight is not None:
            flight.outcome = Outcome.COMMITTED
        retired = list(orphaned)
        if retired:
            self._shared.retire(lsn, retired)
            if self._shared.retired > MAX_RETIRED:
                self._store.sync()
            self._reclaim(self._shared.ripe(self._store.stats().durable_lsn))

    # --------------------------------------------------------------- the way out

    def _reclaim(self, blob_ids: Iterable[bytes]) -> int:
        """Remove content files that no durable record refers to; those with readers go when
        the last of them closes. Returns how many went now."""
        return self._remove_blobs(self._shared.doom(blob_ids))

    def _remove_blobs(self, blob_ids: Iterable[bytes]) -> int:
        removed = 0
        if self._store.is_inherited:
            return 0  # the files belong to the owner, which may still have readers on them
        with self._shared.removal_lock:
            for blob_id in blob_ids:
                # A file that cannot be removed is garbage; the operation itself has succeeded.
                with suppress(OSError):
                    removed += self._blobs.remove(blob_id)
        return removed


class _Source(Iterator[Block]):
    """The blocks of content, and what went wrong with them: a connection that breaks while it
    is read raises what a failing disk does."""

    def __init__(self, blocks: Iterator[Block]) -> None:
        self._blocks = blocks
        self.error: OSError | None = None

    def __next__(self) -> Block:
        try:
            return next(self._blocks)
        except OSError as error:
            self.error = error
            raise


def _digested(blocks: Iterable[Block], digests: Digests, what: str) -> Iterator[Block]:
    """Pass content on while its checksums are computed."""
    for block in blocks:
        digests.update(block)
        if digests.size_bytes > MAX_OBJECT_BYTES:
            raise InvalidInput(f"{what} is too long: objects have up to 5 TiB")
        yield block
