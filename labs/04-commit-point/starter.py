"""Lab 04: the commit point. Read README.md first; `veristack labs check 04` checks it.

You are given a store of keys and values, the one of `veristack_lab.veristore`:

    store.get(key) -> bytes | None
    store.scan(prefix) -> pairs whose key begins so, in byte order, as they are at the call
    store.put(key, value), store.delete(key)
    store.write(batch)          all changes of a Batch, together or not at all

Each of these calls is atomic, and durable when it returns. The power may go between any two.
"""

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from veristack_lab.errors import ObjectNotFound, StoreCorrupt
from veristack_lab.veristore import Batch

CHUNK_BYTES = 64
"""So small that you can see it; the lab's own store takes a megabyte."""
ID_BYTES = 16
META, CHUNK = b"meta\0", b"chunk\0"
"""What every key of metadata, and every key of a chunk, begins with."""


class KeyValue(Protocol):
    """Given: what stands between you and the log."""

    def get(self, key: bytes) -> bytes | None: ...
    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]: ...
    def put(self, key: bytes, value: bytes) -> int: ...
    def delete(self, key: bytes) -> int: ...
    def write(self, batch: Batch) -> int: ...


@dataclass(frozen=True)
class Meta:
    """Given: what the metadata of one object says."""

    object_id: bytes
    """Of these very bytes: an object that is replaced gets another one."""
    chunks: int

    def encode(self) -> bytes:
        """As the value of a key."""
        return json.dumps({"id": self.object_id.hex(), "chunks": self.chunks}).encode()

    @classmethod
    def decode(cls, value: bytes) -> "Meta":
        """Back from the value of a key."""
        fields = json.loads(value)
        return cls(bytes.fromhex(fields["id"]), fields["chunks"])


def bucket_prefix(bucket: str) -> bytes:
    """Task 1. What the metadata keys of a bucket begin with, and those of no other bucket."""
    raise NotImplementedError("task 1")


def meta_key(bucket: str, name: str) -> bytes:
    """Task 1. Where the metadata of an object is; in a bucket, ordered as the names in UTF-8."""
    raise NotImplementedError("task 1")


def chunk_key(object_id: bytes, number: int) -> bytes:
    """Task 1. Where a chunk is; those of an object are ordered by their numbers (32 bits)."""
    raise NotImplementedError("task 1")


def id_of(key: bytes) -> bytes:
    """Task 1. The object id in the key of a chunk."""
    raise NotImplementedError("task 1")


class ObjectStore:
    """Objects in buckets, of any size, each of which is there as a whole or not at all."""

    def __init__(
        self, store: KeyValue, new_id: Callable[[], bytes] = lambda: uuid.uuid4().bytes
    ) -> None:
        self.store = store
        self.new_id = new_id
        """Gives an object id that was never given before."""
        self.open_uploads: set[bytes] = set()
        """Ids of objects whose chunks are being written and that are not committed yet."""

    def names(self, bucket: str) -> list[str]:
        """Given: the objects of a bucket, in byte order."""
        prefix = bucket_prefix(bucket)
        return [key[len(prefix) :].decode() for key, _ in self.store.scan(prefix)]

    def put(self, bucket: str, name: str, data: bytes) -> None:
        """Task 2. Store an object durably, replacing the one of this name in one step.

        While it runs, its id is in `open_uploads`; however it ends, it is not.
        """
        raise NotImplementedError("task 2")

    def get(self, bucket: str, name: str) -> bytes:
        """Task 3. The content: all of one version, also if it is replaced while this runs.

        Raises:
            ObjectNotFound: there is no such object.
            StoreCorrupt: a chunk is missing, and no replacement explains it.
        """
        raise NotImplementedError("task 3")

    def delete(self, bucket: str, name: str) -> None:
        """Task 4. Remove an object and its chunks, durably. One that is not there is no error."""
        raise NotImplementedError("task 4")

    def collect(self) -> int:
        """Task 5. Remove chunks that no object and no open upload needs; how many."""
        raise NotImplementedError("task 5")
