"""Chunks numbered in text."""
# caught by: chunks in the order of their numbers


def chunk_key(object_id: bytes, number: int) -> bytes:
    """Task 1. Where a chunk is; those of an object are ordered by their numbers (32 bits)."""
    return CHUNK + object_id + str(number).encode()
