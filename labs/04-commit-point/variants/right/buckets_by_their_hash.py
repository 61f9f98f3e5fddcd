"""A bucket's prefix is the SHA-256 of its name, which has one length for all; the id is cut out by a struct."""

import hashlib
import struct


def bucket_prefix(bucket: str) -> bytes:
    return META + hashlib.sha256(bucket.encode()).digest()


def chunk_key(object_id: bytes, number: int) -> bytes:
    return struct.pack(f">{len(CHUNK)}s{ID_BYTES}sI", CHUNK, object_id, number)


def id_of(key: bytes) -> bytes:
    return struct.unpack(f">{len(CHUNK)}s{ID_BYTES}sI", key)[1]
