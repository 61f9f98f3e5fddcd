"""Content for an object store with small chunks: ten of them and a bit, no two alike."""

from __future__ import annotations

from collections.abc import Iterator

CHUNK = 16
DATA = bytes(number % 251 for number in range(10 * CHUNK + 5))


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    """The data as it may come in: at most that number of bytes at a time."""
    for at in range(0, len(data), size):
        yield data[at : at + size]
