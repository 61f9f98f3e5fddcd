"""Buckets: each is one record; its objects and uploads have keys that begin with its name.

**Commit points**: the durable write of the record makes a bucket, its durable removal deletes it. A
bucket is deleted only if it holds no object; its open uploads are aborted first.
"""

from __future__ import annotations

import json

from veristack_lab.errors import BucketNotEmpty, BucketNotFound
from veristack_lab.veristore.objects.multipart import Multipart
from veristack_lab.veristore.objects.records import BUCKET
from veristack_lab.veristore.objects.types import bucket_bytes
from veristack_lab.veristore.wal.mutations import Batch


class Buckets(Multipart):
    """The part of `ObjectStore` that makes, lists and deletes buckets."""

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
            BucketNotFound: there is no such bucket.
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
        """Return if the bucket exists. Raises `BucketNotFound`."""
        self._meta_prefix(bucket)
