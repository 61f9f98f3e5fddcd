"""Buckets and ids are in hexadecimal in keys, and chunk numbers in decimal with leading zeroes."""


def bucket_prefix(bucket: str) -> bytes:
    return META + bucket.encode().hex().encode() + b"/"


def chunk_key(object_id: bytes, number: int) -> bytes:
    return CHUNK + f"{object_id.hex()}/{number:010}".encode()


def id_of(key: bytes) -> bytes:
    return bytes.fromhex(key.removeprefix(CHUNK).split(b"/")[0].decode())
