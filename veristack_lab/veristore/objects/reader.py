"""Reading an object piece by piece: only verified bytes, in constant memory."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterator
from types import TracebackType
from typing import Self

from veristack_lab.errors import ChecksumMismatch, RangeNotSatisfiable, StoreError
from veristack_lab.veristore import forks
from veristack_lab.veristore.objects.blobs import BlobFolder
from veristack_lab.veristore.objects.records import Blob, StoredObject
from veristack_lab.veristore.objects.types import ObjectInfo


class ObjectReader:
    """The bytes of one object, or a range of them, as they were when it was opened.

    Iterate over it for pieces of about 1 MiB, or `read()` all that is left. Every chunk is
    verified before any byte of it is given out; if all of the content is read, it is checked
    against its SHA-256 at the end as well. The object may be replaced, deleted or collected
    meanwhile: its content stays until the reader is closed or read to its end. A context
    manager; for one thread.

    Iteration and `read` raise `ChecksumMismatch`, naming object, chunk and place, and
    `StoreError` when the disk fails; `StoreForked` in a fork of the process that opened it.
    """

    def __init__(
        self,
        stored: StoredObject,
        blobs: BlobFolder,
        span: tuple[int, int],
        on_close: Callable[[], None],
    ) -> None:
        self.info: ObjectInfo = stored.info
        self.start, self.end = span
        """The bytes from `start` up to `end` are read."""
        self._on_close: Callable[[], None] | None = on_close
        self._generation = forks.generation
        self._pieces = self._checked(_pieces_of(stored, blobs, span))

    def __repr__(self) -> str:
        return f"<ObjectReader {self.info.bucket}/{self.info.key} {self.start:,}-{self.end:,}>"

    def __len__(self) -> int:
        return self.end - self.start

    def __bool__(self) -> bool:
        return True  # a reader of nothing is still a reader

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        forks.check_generation(self._generation)
        return next(self._pieces)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def read(self) -> bytes:
        """All that is left, at once."""
        pieces = list(self)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def close(self) -> None:
        """Release the content. Safe to call again."""
        self._pieces.close()
        self._let_go()

    def _let_go(self) -> None:
        on_close, self._on_close = self._on_close, None
        if on_close is not None:
            on_close()

    def _checked(self, pieces: Iterator[bytes]) -> Generator[bytes]:
        info = self.info
        is_whole = len(self) == info.size_bytes and "-" not in info.sha256
        digest = hashlib.sha256()
        try:
            for piece in pieces:
                if is_whole:
                    digest.update(piece)
                yield piece
            if is_whole and digest.hexdigest() != info.sha256:
                raise ChecksumMismatch(
                    f"{info.bucket}/{info.key}: the SHA-256 of its {info.size_bytes:,} stored "
                    "bytes is not that of what was written. Put it again"
                )
        except OSError as cause:
            raise StoreError(
                f"{info.bucket}/{info.key} cannot be read: the disk failed ({cause}). Try again; "
                "if it keeps failing, put the object again"
            ) from cause
        finally:
            self._let_go()


def satisfy(info: ObjectInfo, start: int, end: int | None) -> tuple[int, int]:
    """The range of bytes that can be returned.

    Raises:
        RangeNotSatisfiable: it begins past the last byte, or is empty.
    """
    size = info.size_bytes
    if start == 0 and end is None:
        return 0, size
    stop = size if end is None else min(end, size)
    if not 0 <= start < stop:
        raise RangeNotSatisfiable(
            f"bytes {start:,} to {'the end' if end is None else f'{end:,}'} of "
            f"{info.bucket}/{info.key} cannot be given: it has {size:,} bytes"
        )
    return start, stop


def _pieces_of(stored: StoredObject, blobs: BlobFolder, span: tuple[int, int]) -> Iterator[bytes]:
    owner = f"{stored.info.bucket}/{stored.info.key}"
    if stored.content.blobs:
        for blob, start, end in _stretches(stored.content.blobs, *span):
            yield from blobs.read(blob, start, end, owner)
    else:
        _check_in_memory(stored, owner)
        yield from _slices(stored.content.pieces, *span)


def _stretches(blobs: tuple[Blob, ...], start: int, end: int) -> Iterator[tuple[Blob, int, int]]:
    """Which part of which file holds the bytes from `start` up to `end`."""
    offset = 0
    for blob in blobs:
        first, last = max(start - offset, 0), min(end - offset, blob.size_bytes)
        if first < last:
            yield blob, first, last
        offset += blob.size_bytes


def _slices(pieces: tuple[bytes, ...], start: int, end: int) -> Iterator[bytes]:
    offset = 0
    for piece in pieces:
        first, last = max(start - offset, 0), min(end - offset, len(piece))
        if first < last:
            yield piece[first:last]
        offset += len(piece)


def _check_in_memory(stored: StoredObject, owner: str) -> None:
    """Content in the map has no checksums but the object's, so all of it is checked first."""
    digest = hashlib.sha256()
    for piece in stored.content.pieces:
        digest.update(piece)
    if digest.hexdigest() != stored.info.sha256:
        size = sum(map(len, stored.content.pieces))
        raise ChecksumMismatch(
            f"{owner}: {size:,} of {stored.info.size_bytes:,} stored bytes are there, and their "
            "SHA-256 is not that of what was written. Put it again"
        )
