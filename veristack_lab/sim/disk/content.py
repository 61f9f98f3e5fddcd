"""What a file holds, as a value: a write makes a new one and copies no more than it touches.

A content is cut into pages, and contents share those in which they do not differ. So a
thousand images and a thousand moments of one file cost little more than their differences.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import overload

_PAGE_BYTES = 4096


class Content:
    """The bytes of a file. Never changed; equal to `bytes` of the same value.

    Args:
        whole: the bytes.
    """

    __slots__ = ("_digest", "_pages", "_size", "_whole")

    def __init__(self, whole: bytes = b"") -> None:
        self._whole: bytes | None = whole
        self._pages: tuple[bytes, ...] | None = None
        self._size = len(whole)
        self._digest = b""

    @classmethod
    def _of(cls, pages: list[bytes], size: int) -> Content:
        made = cls.__new__(cls)
        made._whole, made._pages, made._size, made._digest = None, tuple(pages), size, b""
        return made

    def __repr__(self) -> str:
        return f"<Content of {self._size:,} bytes>"

    def __len__(self) -> int:
        return self._size

    def __bytes__(self) -> bytes:
        if self._whole is None:
            self._whole = b"".join(self._pages or ())
        return self._whole

    def __iter__(self) -> Iterator[int]:
        return iter(bytes(self))

    def __contains__(self, part: int | bytes) -> bool:
        return part in bytes(self)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Content):
            return self is other or (self._size == other._size and bytes(self) == bytes(other))
        return bytes(self) == other if isinstance(other, bytes) else NotImplemented

    def __hash__(self) -> int:
        return hash(bytes(self))

    @overload
    def __getitem__(self, where: int) -> int: ...

    @overload
    def __getitem__(self, where: slice) -> bytes: ...

    def __getitem__(self, where: int | slice) -> int | bytes:
        if self._whole is not None or not isinstance(where, slice):
            return bytes(self)[where]
        start, end, step = where.indices(self._size)
        if step != 1:
            return bytes(self)[where]
        first = start // _PAGE_BYTES
        pages = self._in_pages()[first : -(-end // _PAGE_BYTES)]
        part = pages[0] if len(pages) == 1 else b"".join(pages)
        return part[start - first * _PAGE_BYTES : max(start, end) - first * _PAGE_BYTES]

    def written(self, offset: int, data: bytes) -> Content:
        """The content with the data written over it; a gap before it is filled with zeros."""
        if not data:
            return self if offset <= self._size else self.resized(offset)
        end = offset + len(data)
        pages = list(self.resized(max(self._size, end))._in_pages())
        first, behind = offset // _PAGE_BYTES, -(-end // _PAGE_BYTES)
        start = first * _PAGE_BYTES
        old = b"".join(pages[first:behind])
        new = b"".join((old[: offset - start], data, old[end - start :]))
        pages[first:behind] = _split(new)
        return self._of(pages, max(self._size, end))

    def resized(self, length: int) -> Content:
        """The content cut, or extended with zeros, to a length."""
        if length == self._size:
            return self
        kept = list(self._in_pages()[: -(-min(length, self._size) // _PAGE_BYTES)])
        first = max(len(kept) - 1, 0)
        size = length - first * _PAGE_BYTES
        kept[first:] = _split(b"".join(kept[first:])[:size].ljust(size, b"\0"))
        return self._of(kept, length)

    def digest(self) -> bytes:
        """A short name, the same in every process."""
        if not self._digest:
            whole = blake2b(digest_size=16)
            for page in (self._whole,) if self._whole is not None else self._in_pages():
                whole.update(page)
            self._digest = whole.digest()
        return self._digest

    def _in_pages(self) -> tuple[bytes, ...]:
        if self._pages is None:
            self._pages = tuple(_split(self._whole or b""))
        return self._pages


def _split(data: bytes) -> list[bytes]:
    return [data[at : at + _PAGE_BYTES] for at in range(0, len(data), _PAGE_BYTES)]
