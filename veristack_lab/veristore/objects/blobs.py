"""Content files: where large content lies, since the map holds every value in memory.

    header (40 bytes)   magic "VSTORBLB" | version u16 | header length u16 | chunk bytes u32
                        | id, 16 bytes | zero u32 | crc32c u32 of the bytes before it
    chunk               a record (see `kernels.records`): its LSN is the chunk's number from 0,
                        its epoch the first four bytes of the id, its payload the content

Integers are little-endian. All chunks but the last are of one length, so that a range is found
without reading what lies before it. Number and id stand inside each chunk's CRC32C: a chunk of
another place or another file cannot pass for this one.

A file is written once, under an id of its own, and is durable, name and all, when `write`
returns. It counts for nothing until a metadata record refers to it: that is the commit point,
and it is not in here. A file that nothing refers to is garbage (see `garbage`).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

from veristack_lab.errors import ChecksumMismatch
from veristack_lab.kernels import records
from veristack_lab.kernels.crc32c import crc32c
from veristack_lab.veristore.disk import Disk, File
from veristack_lab.veristore.objects.records import ID_BYTES, Blob

FOLDER_NAME = "blobs"
MAX_CHUNK_BYTES = 64 * 1024 * 1024
WINDOW_BYTES = 1024 * 1024
"""Chunks are written and read in runs of about this many bytes."""
SYNC_BYTES = 16 * 1024 * 1024
"""A file being written is synced every this many bytes: the disk begins early, and the log's own
syncs need not wait behind gigabytes."""

_MAGIC = b"VSTORBLB"
_VERSION = 1
_HEADER = struct.Struct("<8sHHI16sI")
_CRC = struct.Struct("<I")
HEADER_BYTES = _HEADER.size + _CRC.size
_CHUNK_TYPE = 1


class BlobFolder:
    """The content files of one store. Thread-safe as long as ids are not used twice.

    Methods raise `OSError` as the disk does.
    """

    def __init__(self, disk: Disk, store_folder: Path, chunk_bytes: int) -> None:
        self.path = store_folder / FOLDER_NAME
        self.chunk_bytes = chunk_bytes
        self.block_bytes = chunk_bytes * max(1, WINDOW_BYTES // chunk_bytes)
        """Length of the blocks that `write` takes."""
        self._disk = disk

    def __repr__(self) -> str:
        return f"<BlobFolder {self.path}>"

    def write(self, blob_id: bytes, blocks: Iterable[bytes | memoryview]) -> int:
        """Write a content file and make its data durable; its name is so after `sync_names`.

        Args:
            blob_id: never used before.
            blocks: the content in pieces of `block_bytes`; only the last may be shorter.

        Returns:
            The number of content bytes.
        """
        self._disk.make_dir(self.path)
        file = self._disk.open(self.path_of(blob_id), create=True)
        try:
            size = self._write_chunks(file, blob_id, blocks)
            file.fdatasync()
        finally:
            file.close()
        return size

    def sync_names(self) -> None:
        """Return when the names of all files written so far are durable."""
        self._disk.fsync_dir(self.path)

    def _write_chunks(
        self, file: File, blob_id: bytes, blocks: Iterable[bytes | memoryview]
    ) -> int:
        header = encode_header(blob_id, self.chunk_bytes)
        file.pwrite(header, 0)
        offset, number, size, unsynced = len(header), 0, 0, 0
        buffer = bytearray()
        for block in blocks:
            if unsynced >= SYNC_BYTES:
                file.fdatasync()
                unsynced = 0
            length = frame_chunks(block, self.chunk_bytes, number, blob_id, buffer)
            file.pwrite(memoryview(buffer)[:length], offset)
            offset, size, unsynced = offset + length, size + len(block), unsynced + length
            number += -(-len(block) // self.chunk_bytes)
        return size

    def read(self, blob: Blob, start: int, end: int, owner: str) -> Iterator[bytes]:
        """The content bytes from `start` up to `end`, in pieces; only verified ones.

        Args:
            blob: the file.
            start, end: within the content; chunks that they touch are read and verified whole.
            owner: names the object in errors.

        Raises:
            ChecksumMismatch: the file is missing, or a chunk is not what was written.
        """
        path = self.path_of(blob.blob_id)
        if not self._disk.exists(path):
            raise ChecksumMismatch(
                f"{owner}: its content file {path.name} is missing. Put the object again"
            )
        file = self._disk.open(path)
        try:
            chunk_bytes = decode_header(file.read(0, HEADER_BYTES), blob.blob_id, owner)
            yield from _verified(file, blob, chunk_bytes, start, end, owner)
        finally:
            file.close()

    def exists(self, blob_id: bytes) -> bool:
        """Whether the file is there."""
        return self._disk.exists(self.path_of(blob_id))

    def remove(self, blob_id: bytes) -> bool:
        """Remove a file. Returns whether it existed. If a power cut brings the name back, it is
        garbage again."""
        if not self.exists(blob_id):
            return False
        self._disk.unlink(self.path_of(blob_id))
        return True

    def ids(self) -> list[bytes]:
        """Ids of all files that are there, in byte order."""
        if not self._disk.exists(self.path):
            return []
        return [bytes.fromhex(name) for name in self._disk.listdir(self.path) if _is_id(name)]

    def path_of(self, blob_id: bytes) -> Path:
        """Where a file lies."""
        return self.path / blob_id.hex()


def _is_id(name: str) -> bool:
    return len(name) == 2 * ID_BYTES and set(name) <= set("0123456789abcdef")


def encode_header(blob_id: bytes, chunk_bytes: int) -> bytes:
    """The 40 bytes at the start of a content file."""
    fields = _HEADER.pack(_MAGIC, _VERSION, HEADER_BYTES, chunk_bytes, blob_id, 0)
    return fields + _CRC.pack(crc32c(fields))


def decode_header(data: bytes, blob_id: bytes, owner: str) -> int:
    """The length of this file's chunks.

    Raises:
        ChecksumMismatch: the header is damaged, or belongs to another file.
    """
    if len(data) == HEADER_BYTES and crc32c(data[: _HEADER.size]) == _crc_of(data):
        magic, version, header_bytes, chunk_bytes, found_id, _ = _HEADER.unpack_from(data)
        facts = (magic, version, header_bytes, found_id)
        if facts == (_MAGIC, _VERSION, HEADER_BYTES, blob_id) and chunk_bytes > 0:
            return int(chunk_bytes)
    raise ChecksumMismatch(
        f"{owner}: the header of its content file {blob_id.hex()} is not what was written. "
        "Put the object again"
    )


def _crc_of(data: bytes) -> int:
    found: int = _CRC.unpack_from(data, _HEADER.size)[0]
    return found


def frame_chunks(
    block: bytes | memoryview, chunk_bytes: int, number: int, blob_id: bytes, buffer: bytearray
) -> int:
    """Write a block's chunks into a buffer; their length.

    Args:
        block: the content.
        chunk_bytes: how it is cut.
        number: the first chunk's number.
        blob_id: the file's id.
        buffer: overwritten from its start, and enlarged if necessary. One buffer for all
            blocks saves more time than the checksums cost: fresh memory is slow.
    """
    epoch, at = _epoch(blob_id), 0
    for first in range(0, len(block), chunk_bytes):
        payload = memoryview(block)[first : first + chunk_bytes]
        header = records.frame_header(payload, _CHUNK_TYPE, number, epoch)
        body = at + len(header)
        buffer[at:body] = header
        buffer[body : body + len(payload)] = payload
        at, number = body + len(payload), number + 1
    return at


def _epoch(blob_id: bytes) -> int:
    return int.from_bytes(blob_id[:4], "little")


def _verified(
    file: File, blob: Blob, chunk_bytes: int, start: int, end: int, owner: str
) -> Iterator[bytes]:
    """Run by run of whole chunks, without what lies outside the range."""
    run = max(1, WINDOW_BYTES // chunk_bytes)
    stop_number = -(-end // chunk_bytes)
    for first in range(start // chunk_bytes, stop_number, run):
        begin = first * chunk_bytes
        finish = min(min(first + run, stop_number) * chunk_bytes, blob.size_bytes)
        pieces = _read_run(file, blob, chunk_bytes, (begin, finish), owner)
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        yield bytes(data[max(start - begin, 0) : end - begin])


def _read_run(
    file: File, blob: Blob, chunk_bytes: int, content: tuple[int, int], owner: str
) -> list[memoryview]:
    """The payloads of the chunks that hold the content from one offset up to another."""
    begin, finish = content
    first, count = begin // chunk_bytes, -(-(finish - begin) // chunk_bytes)
    size = finish - begin + count * records.HEADER_BYTES
    offset = HEADER_BYTES + first * (chunk_bytes + records.HEADER_BYTES)
    buffer = file.read(offset, size)
    found = records.decode_records(buffer, 0, first, _epoch(blob.blob_id), chunk_bytes)
    lengths = [min(chunk_bytes, finish - begin - n * chunk_bytes) for n in range(count)]
    good = 0
    for length, wanted in zip(found.payload_lengths.tolist(), lengths, strict=False):
        if length != wanted:
            break
        good += 1
    if good != count:
        number = first + good
        raise ChecksumMismatch(
            f"{owner}: chunk {number} (bytes from {number * chunk_bytes:,} on) of its content file "
            f"{blob.blob_id.hex()} is not what was written ({found.stop.name}). Put the object "
            "again"
        )
    view = memoryview(buffer)
    places = zip(found.payload_offsets.tolist(), lengths, strict=True)
    return [view[at : at + length] for at, length in places]
