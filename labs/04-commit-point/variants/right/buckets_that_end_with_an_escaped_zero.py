"""The end of a bucket's name is two zero bytes, and a zero in the name is escaped, in place of a length."""


def bucket_prefix(bucket: str) -> bytes:
    return META + bucket.encode().replace(b"\0", b"\0\xff") + b"\0\0"
