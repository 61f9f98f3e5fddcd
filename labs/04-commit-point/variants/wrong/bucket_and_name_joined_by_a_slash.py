"""Bucket and name joined by a slash."""
# caught by: no two objects share a key


def bucket_prefix(bucket: str) -> bytes:
    """Task 1. What the metadata keys of a bucket begin with, and those of no other bucket."""
    name = bucket.encode()
    return META + name + b"/"
