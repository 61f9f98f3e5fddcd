"""What a file holds, as a value: a write makes a new one and copies no more than it touches.

A content is cut into pages, and the pages stand in rows of 64. Contents share the pages and rows
in which they do not differ. So a thousand images and a thousand moments of one file cost little
more than their differences, and a small write takes as long on a long file as on a short one: it
copies one page and one row.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from itertools import chain, islice
from typing import overload

_PAGE_BYTES = 4096
_ROW_PAGES = 64
_ZEROS = bytes(_PAGE_BYTES)

Row = tuple[bytes, ...]
"""Neighbouring pages: every row but the last is full, and so is every page but the very last."""


class Content:
    """The bytes of a file. Never changed; equal to `bytes` of the same value.

    Args:
        whole: the bytes.
    """

    __slots__ = ("_digest", "_rows", "_size", "_whole")

    def __init__(self, whole: bytes = b"") -> None:
        self._whole: bytes | None = whole
        self._rows: tuple[Row, ...] | None = None
        self._size = len(whole)
        self._digest = b""

    @classmethod
    def _of(cls, rows: tuple[Row, ...], size: int) -> Content:
        made = cls.__new__(cls)
        made._whole, made._rows, made._size, made._digest = None, rows, size, b""
        return made

    def __repr__(self) -> str:
        return f"<Content of {self._size:,} bytes>"

    def __len__(self) -> int:
        return self._size

    def __bytes__(self) -> bytes:
        if self._whole is None:
            self._whole = b"".join(chain.from_iterable(self._rows or ()))
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
        if start >= end:
            return b""
        first = start // _PAGE_BYTES
        pages = self._pages(first, -(-end // _PAGE_BYTES))
        part = pages[0] if len(pages) == 1 else b"".join(pages)
        return part[start - first * _PAGE_BYTES : end - first * _PAGE_BYTES]

    def written(self, offset: int, data: bytes) -> Content:
        """The content with the data written over it; a gap before it is filled with zeros."""
        if not data:
            return self if offset <= self._size else self.resized(offset)
        if offset > self._size:
            return self.resized(offset).written(offset, data)
        end = offset + len(data)
        first, behind = offset // _PAGE_BYTES, -(-end // _PAGE_BYTES)
        start = first * _PAGE_BYTES
        old = self._pages(first, behind)
        held = old[0] if len(old) == 1 else b"".join(old)
        new = b"".join((held[: offset - start], data, held[end - start :]))
        return self._of(self._with_pages(first, _split(new)), max(self._size, end))

    def resized(self, length: int) -> Content:
        """The content cut, or extended with zeros, to a length."""
        if length == self._size:
            return self
        first = min(length, self._size) // _PAGE_BYTES
        rows = self._in_rows()[: first // _ROW_PAGES]
        kept = self._pages(first // _ROW_PAGES * _ROW_PAGES, first + 1)
        size = length - first * _PAGE_BYTES
        edge = kept.pop() if len(kept) > first % _ROW_PAGES else b""
        kept.append(edge[:size].ljust(min(size, _PAGE_BYTES), b"\0"))
        whole, rest = divmod(max(0, size - _PAGE_BYTES), _PAGE_BYTES)
        kept += [_ZEROS] * whole
        kept.append(bytes(rest))
        return self._of((*rows, *_in_rows([page for page in kept if page])), length)

    def digest(self) -> bytes:
        """A short name, the same in every process."""
        if not self._digest:
            whole = blake2b(digest_size=16)
            pages = chain.from_iterable(self._in_rows())
            for page in (self._whole,) if self._whole is not None else pages:
                whole.update(page)
            self._digest = whole.digest()
        return self._digest

    def _in_rows(self) -> tuple[Row, ...]:
        if self._rows is None:
            self._rows = _in_rows(_split(self._whole or b""))
        return self._rows

    def _pages(self, first: int, behind: int) -> list[bytes]:
        """The pages from `first` up to `behind`, as far as they exist."""
        row, end_row = first // _ROW_PAGES, -(-behind // _ROW_PAGES)
        rows, start = self._in_rows()[row:end_row], row * _ROW_PAGES
        if len(rows) == 1:
            return list(rows[0][first - start : behind - start])
        return list(islice(chain.from_iterable(rows), first - start, behind - start))

    def _with_pages(self, first: int, pages: list[bytes]) -> tuple[Row, ...]:
        """The rows with these pages in place of those from `first` on, as many."""
        rows, row = self._in_rows(), first // _ROW_PAGES
        end_row = -(-(first + len(pages)) // _ROW_PAGES)
        start = first - row * _ROW_PAGES
        if end_row - row == 1:
            old = rows[row] if row < len(rows) else ()
            changed: tuple[Row, ...] = ((*old[:start], *pages, *old[start + len(pages) :]),)
        else:
            touched = list(chain.from_iterable(rows[row:end_row]))
            touched[start : start + len(pages)] = pages
            changed = _in_rows(touched)
        return (*rows[:row], *changed, *rows[end_row:])


def _split(data: bytes) -> list[bytes]:
    if len(data) <= _PAGE_BYTES:
        return [data] if data else []
    return [data[at : at + _PAGE_BYTES] for at in range(0, len(data), _PAGE_BYTES)]


def _in_rows(pages: list[bytes]) -> tuple[Row, ...]:
    return tuple(tuple(pages[at : at + _ROW_PAGES]) for at in range(0, len(pages), _ROW_PAGES))
