"""The bucket's length is kept in one byte, and a longer name wraps around."""
# caught by: no two objects share a key


def bucket_prefix(bucket: str) -> bytes:
    name = bucket.encode()
    return META + bytes([len(name) % 256]) + name
