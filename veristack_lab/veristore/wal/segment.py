"""One segment file of the log: a header, then records, then perhaps room for more.

    header (32 bytes)   magic "VSTORLOG" | version u16 | header length u16 | epoch u32
                        | first LSN u64 | damaged from u32 | crc32c u32 of the bytes before it
    record              see `kernels.records`: crc32c | length | LSN | epoch | type | payload

    room                zeros until the end of the file, while its store is open or was killed

Integers are little-endian. Every segment has an epoch of its own, repeated in each record
inside its CRC, so bytes of an older file can never pass for records of this one. The first
record carries the first LSN, each next one LSN more.

**Torn or damaged?** Records are written in groups, one write and one sync each, and the next
group is written only after that sync returned. The first record of a group carries
`GROUP_START` in its type. So when a record fails its checks:

- a later group start exists: the bad record had been synced, perhaps acknowledged. Damage.
- none exists: the record belongs to the last group, which may never have been synced (the
  sectors of an unsynced write may reach the disk in any order). A torn tail; cut it off.

Zeros from where a record is due to the end of the file are neither: they are room that was
reserved ahead (see `log`), or the sectors of an unsynced write that never came. Recovery has
nothing to report, and the log goes on in them. No record is all zeros, for its checksum would
not be. A reader that knows nothing of room takes it for a torn tail, and cuts it off too.
Zeros before the end of a segment that has a successor are room if the successor begins with
the LSN that is due; else records are missing.

A cleanly closed store ends with a MARK, a group start of its own, so damage anywhere
in its log is found. A segment that has a successor was synced before that was made, so there
everything bad is damage. After a power cut, rot inside the very last group cannot be told from
a torn write, here or in any log without a second copy (compare RocksDB's point-in-time mode).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from veristack_lab.errors import NotAStore, StoreCorrupt
from veristack_lab.kernels import records
from veristack_lab.kernels.crc32c import crc32c
from veristack_lab.veristore.disk import File
from veristack_lab.veristore.wal.mutations import MAX_PAYLOAD_BYTES, RecordType

TEMPORARY = ".tmp"
"""End of the names of files that do not count yet."""
LOG_MAGIC = b"VSTORLOG"
SNAPSHOT_MAGIC = b"VSTORSNP"
RAFT_LOG_MAGIC = b"VSTORRFT"
RAFT_SNAPSHOT_MAGIC = b"VSTORRSN"
"""Files of a Raft node (see `raft.records`): the same format, and never opened as a store's."""
VERSION = 2
"""Version of the files written. 2 added the record type PUT_MANY."""
OLDEST_VERSION = 1
"""Still read, never appended to."""
GROUP_START = 0x80
"""Bit of the type byte: all records before this one were durable when it was written."""
GROUP_STARTS = tuple(kind | GROUP_START for kind in RecordType)

_OWNERS = {
    LOG_MAGIC: "a store",
    SNAPSHOT_MAGIC: "a store",
    RAFT_LOG_MAGIC: "a Raft node",
    RAFT_SNAPSHOT_MAGIC: "a Raft node",
}

_HEADER = struct.Struct("<8sHHIQI")
_CRC = struct.Struct("<I")
HEADER_BYTES = _HEADER.size + _CRC.size

_ZEROS = bytes(4096)

_WINDOW_BYTES = 4 * 1024 * 1024
"""Small enough that the allocator gives the same memory again for each one: above its largest
threshold (32 MiB) every window would be paid for in fresh pages."""


@dataclass(frozen=True)
class SegmentHeader:
    """What a file of records says about itself."""

    epoch: int
    first_lsn: int
    """LSN of the first record; in a snapshot, the LSN up to which it holds everything."""
    magic: bytes = LOG_MAGIC
    version: int = VERSION
    damaged_from: int = 0
    """Not 0 in what a repair has written: from this epoch up to `epoch`, segments are evidence
    of damage that it put aside, and never to be removed (see `recovery.repair`). 0 in version 1."""

    def encode(self) -> bytes:
        """The 32 bytes at the start of the file."""
        fields = _HEADER.pack(
            self.magic,
            self.version,
            HEADER_BYTES,
            self.epoch,
            self.first_lsn,
            self.damaged_from,
        )
        return fields + _CRC.pack(crc32c(fields))


def decode_header(data: bytes, name: str, magic: bytes = LOG_MAGIC) -> SegmentHeader:
    """Read the header of a segment or, with its magic, of a snapshot.

    Raises:
        NotAStore: another kind of file, or a newer version of this one.
        StoreCorrupt: the header is damaged.
    """
    if len(data) < HEADER_BYTES and magic.startswith(data[: len(magic)]):
        raise StoreCorrupt(f"the header of {name} is cut short; restore a copy")
    if data[: len(magic)] != magic:
        if _checks_out(magic + data[len(magic) :]):
            raise StoreCorrupt(f"the first bytes of {name} are damaged; restore a copy")
        if data[: len(magic)] in _OWNERS:
            raise NotAStore(f"{name} belongs to {_OWNERS[data[: len(magic)]]}; open it as that")
        raise NotAStore(f"{name} was not written by veristore; give an empty or absent folder")
    refuse_newer(data, name, magic)
    _, version, header_bytes, epoch, first_lsn, damaged_from = _HEADER.unpack_from(data)
    is_known = OLDEST_VERSION <= version <= VERSION and header_bytes == HEADER_BYTES
    if not is_known or not _checks_out(data) or (version == OLDEST_VERSION and damaged_from):
        raise StoreCorrupt(f"the header of {name} is damaged; restore a copy")
    return SegmentHeader(epoch, first_lsn, magic, version, damaged_from)


def refuse_newer(data: bytes, name: str, magic: bytes = LOG_MAGIC) -> None:
    """Refuse what a newer lab wrote: this version must not repair it.

    Raises:
        NotAStore: the header names a newer version, which is not damage.
    """
    if len(data) < HEADER_BYTES or data[: len(magic)] != magic:
        return
    version: int = _HEADER.unpack_from(data)[1]
    is_flipped = any(
        _checks_out(data[:8] + known.to_bytes(2, "little") + data[10:])
        for known in range(OLDEST_VERSION, VERSION + 1)
    )
    if version > VERSION and not is_flipped:
        raise NotAStore(
            f"{name} has format version {version}, this lab reads up to {VERSION}; upgrade the lab"
        )


def _checks_out(data: bytes) -> bool:
    if len(data) < HEADER_BYTES:
        return False
    expected: int = _CRC.unpack_from(data, _HEADER.size)[0]
    return crc32c(data[: _HEADER.size]) == expected


@dataclass(frozen=True)
class Window:
    """A run of good records, and where and why it ended.

    `decoded` holds one entry a record; its offsets count from the start of `buffer`.
    """

    buffer: bytes
    first_lsn: int
    decoded: records.Decoded
    end_offset: int
    """End of the last good record, counted from the start of the file."""

    @property
    def next_lsn(self) -> int:
        """LSN that the record after the last good one should have."""
        return self.first_lsn + len(self.decoded.types)

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        """Type (without the group bit) and payload of each record."""
        buffer, found = self.buffer, self.decoded
        columns = (
            found.types.tolist(),
            found.payload_offsets.tolist(),
            found.payload_lengths.tolist(),
        )
        for kind, offset, length in zip(*columns, strict=True):
            yield kind & ~GROUP_START, buffer[offset : offset + length]


def read_records(file: File, epoch: int, first_lsn: int) -> Iterator[Window]:
    """Decode a file from its first record, a window of 4 MiB (or one record) at a time.

    The last window's `decoded.stop` says why reading ended: END for a clean end of file.
    """
    size, offset, lsn, window = file.size(), HEADER_BYTES, first_lsn, _WINDOW_BYTES
    while True:
        buffer = file.read(
            offset, min(window, size - offset)
        )  # no more than is there: no second read
        decoded = records.decode_records(buffer, 0, lsn, epoch, MAX_PAYLOAD_BYTES)
        end = offset + decoded.end_offset
        is_last = offset + len(buffer) >= size
        cut_by_window = not is_last and decoded.stop in (records.Stop.SHORT, records.Stop.END)
        if not cut_by_window or decoded.end_offset:
            yield Window(buffer, lsn, decoded, end)
        if not cut_by_window:
            return
        if not decoded.end_offset:
            window *= 2  # one record larger than the window: at most 128 MiB and its header
        offset, lsn = end, lsn + len(decoded.types)


def written_end(data: bytes, start: int = 0) -> int:
    """Where the zeros begin that go on to the end of the data; not before `start`."""
    end = len(data)
    while end - start >= len(_ZEROS) and data[end - len(_ZEROS) : end] == _ZEROS:
        end -= len(_ZEROS)
    last = max(start, end - len(_ZEROS))
    return last + len(data[last:end].rstrip(b"\0"))


def unread_bytes(file: File, end_offset: int) -> int:
    """How many bytes follow the last good record, up to the last one that is not zero.

    0 when nothing follows, or nothing but room that was reserved.
    """
    return written_end(file.read(end_offset, file.size() - end_offset))


def find_later_group(file: File, epoch: int, end_offset: int, next_lsn: int) -> int | None:
    """Offset of a group start after a bad record at `end_offset`; None if there is none.

    It proves that everything before it had been durable: the bad record is damage. Its LSN
    must not lie before the one that is due: a value may hold a copy of older log, which must
    not pass for log.
    """
    buffer = file.read(end_offset, file.size() - end_offset)
    found = records.find_record(buffer, 0, next_lsn, epoch, MAX_PAYLOAD_BYTES, GROUP_STARTS)
    return None if found is None else end_offset + found
