"""Records of the write-ahead log: bytes to be appended, and bytes read back after a power cut.

    crc32c u32 | length u32 | lsn u64 | epoch u32 | type u8 | zero, 3 bytes | payload

Little-endian. The checksum covers everything behind it, so a record proves its own length, its
place in the log (LSN) and which life of a re-used file it belongs to (epoch). Whole groups go
through one call of machine code; a few records are quicker in plain Python, which writes the
same bytes.
"""

from __future__ import annotations

import enum
import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from veristack_lab.errors import InvalidInput
from veristack_lab.kernels import _records_python as twin
from veristack_lab.kernels._jit import native_budget
from veristack_lab.kernels.crc32c import (
    as_bytes,
    as_offsets,
    bad_stretch,
    crc32c,
    first_bad_stretch,
)

if TYPE_CHECKING:
    from veristack_lab.kernels.crc32c import Buffer

HEADER_BYTES = twin.HEADER_BYTES
MAX_LENGTH = (1 << 32) - 1
MAX_LSN = twin.LAST_LSN
MAX_EPOCH = (1 << 32) - 1

SMALL_GROUP = 2
"""Below this count plain Python is faster than one call of the kernel."""
LONG_PAYLOAD = 1 << 15
"""Above this size copying a payload costs more than another call."""
RECORD_UNITS = 64
"""What Python's handling of one record costs, in the units of `NATIVE_PRICE_UNITS`."""
DECODE_CHUNK = 1 << 16
"""Records a call of the decoding kernel can return: bounds memory whatever the buffer holds."""


class Stop(enum.IntEnum):
    """Why decoding ended where it did."""

    END = twin.END
    """Nothing follows: the buffer ends with the last good record."""
    SHORT = twin.SHORT
    """Fewer bytes follow than the next header needs, or than it announces."""
    BAD_LENGTH = twin.BAD_LENGTH
    """The next header announces more than `max_length`."""
    BAD_CRC = twin.BAD_CRC
    """The next record is not what was written, or never was a record."""
    WRONG_LSN = twin.WRONG_LSN
    """A whole record follows, but it is not the next one."""
    WRONG_EPOCH = twin.WRONG_EPOCH
    """A whole record follows that belongs to another life of this file."""


@dataclass(frozen=True, repr=False)
class Decoded:
    """The good records at the start of a buffer. Arrays have shape (n,)."""

    payload_offsets: npt.NDArray[np.int64]
    """Where each payload begins in the buffer."""
    payload_lengths: npt.NDArray[np.int64]
    types: npt.NDArray[np.uint8]
    end_offset: int
    """Where the last good record ends: the place to truncate to, and to append at."""
    stop: Stop

    def __len__(self) -> int:
        return len(self.types)

    def __repr__(self) -> str:
        return f"<Decoded {len(self)} records, end {self.end_offset}, stop {self.stop.name}>"


def frame_records(
    payloads: Sequence[bytes], types: Sequence[int], first_lsn: int, epoch: int
) -> bytes:
    """The records of one commit group as the bytes to append, LSNs counting up by one.

    Args:
        payloads: one a record.
        types: one of 0..255 a record.
        first_lsn: LSN of the first record.
        epoch: epoch of the segment that is appended to.

    Raises:
        InvalidInput: as many types as payloads are needed, and each number must fit its field.
    """
    count = len(payloads)
    _check_numbers(count, len(types), first_lsn, epoch)
    size = sum(map(len, payloads))
    if count <= SMALL_GROUP or not native_budget.pays(size + RECORD_UNITS * count):
        if count == 1 and size >= LONG_PAYLOAD:
            return b"".join((frame_header(payloads[0], types[0], first_lsn, epoch), payloads[0]))
        if count and not 0 <= min(types) <= max(types) <= 255:
            raise InvalidInput("a record's type is a number from 0 to 255")
        return twin.frame(payloads, types, first_lsn, epoch, crc32c)
    ends = accumulate(map(len, payloads), initial=0)
    offsets = np.fromiter(ends, np.int64, count + 1)
    return frame_arena(b"".join(payloads), offsets, types, first_lsn, epoch).tobytes()


def frame_arena(
    arena: Buffer,
    offsets: Sequence[int] | npt.NDArray[np.int64],
    types: Sequence[int] | npt.NDArray[np.uint8],
    first_lsn: int,
    epoch: int,
) -> npt.NDArray[np.uint8]:
    """As `frame_records`, for payloads that lie in one arena; the way for thousands.

    Args:
        arena: the bytes of all payloads.
        offsets: shape (n + 1,): payload i is `arena[offsets[i]:offsets[i + 1]]`.
        types: shape (n,), 0..255.
        first_lsn: LSN of the first record.
        epoch: epoch of the segment that is appended to.

    Returns:
        The bytes to append, shape (offsets[n] - offsets[0] + 24 n,).

    Raises:
        InvalidInput: as for `frame_records`, or the offsets are not stretches of the arena.
    """
    data, bounds, kinds = as_bytes(arena), as_offsets(offsets), _as_types(types)
    _check_numbers(bounds.size - 1, kinds.size, first_lsn, epoch)
    size = int(bounds[-1] - bounds[0]) + HEADER_BYTES * kinds.size
    if not 0 <= size <= data.size + HEADER_BYTES * kinds.size:
        raise bad_stretch(max(first_bad_stretch(bounds, data.size), 0), bounds, data.size)
    if native_budget.pays(size + RECORD_UNITS * kinds.size):
        out = np.empty(size, np.uint8)
        bad = _native().frame(data, bounds, kinds, first_lsn, epoch, out)
        if bad >= 0:
            raise bad_stretch(bad, bounds, data.size)
        return out
    bad = first_bad_stretch(bounds, data.size)
    if bad >= 0:
        raise bad_stretch(bad, bounds, data.size)
    view, ends = data.data, bounds.tolist()
    pieces = [view[start:end] for start, end in pairwise(ends)]
    framed = twin.frame(pieces, kinds.tolist(), first_lsn, epoch, crc32c)
    return np.frombuffer(bytearray(framed), np.uint8)


def frame_header(payload: Buffer, kind: int, lsn: int, epoch: int) -> bytes:
    """The 24 bytes before one payload, for a writer of a long payload that avoids a copy.

    Args:
        payload: the bytes that follow.
        kind: the record's type, 0..255.
        lsn, epoch: as for `frame_records`.

    Raises:
        InvalidInput: a number does not fit its field.
    """
    data = as_bytes(payload)
    _check_numbers(1, 1, lsn, epoch)
    if not 0 <= kind <= 255 or data.size > MAX_LENGTH:
        raise InvalidInput("a record has a type from 0 to 255 and a payload below 4 GiB")
    covered = twin.COVERED.pack(data.size, lsn, epoch, kind)
    crc = crc32c(data, crc32c(covered))
    return crc.to_bytes(twin.CRC_BYTES, "little") + covered


def decode_records(
    buffer: Buffer, offset: int, next_lsn: int, epoch: int, max_length: int
) -> Decoded:
    """The good records from `offset` on, up to the first thing that is not one.

    A length is believed only once the checksum that covers it holds; before, it is merely
    compared with `max_length` and with what is left of the buffer. So any bytes may be given:
    nothing outside the buffer is read, and nothing is allocated by a claimed length.

    Args:
        buffer: what was read from the log.
        offset: where the first header should be, 0..len(buffer).
        next_lsn: LSN that the first record must have; the others count up by one.
        epoch: the epoch that all records must have.
        max_length: the longest payload that can have been written.

    Raises:
        InvalidInput: the offset lies outside the buffer, or a number does not fit its field.
    """
    data = as_bytes(buffer)
    if not 0 <= offset <= data.size:
        raise InvalidInput(f"offset {offset} lies outside the {data.size} bytes of the buffer")
    if not 0 <= max_length <= MAX_LENGTH:
        raise InvalidInput(f"max_length {max_length} is not between 0 and {MAX_LENGTH}")
    _check_numbers(0, 0, next_lsn, epoch)
    if native_budget.pays(data.size - offset):
        return _decode_native(data, offset, next_lsn, epoch, max_length)
    view = data.data
    found = twin.decode(view, offset, next_lsn, epoch, max_length, crc32c)
    offsets, lengths, types, end_offset, stop = found
    return Decoded(
        np.array(offsets, np.int64),
        np.array(lengths, np.int64),
        np.array(types, np.uint8),
        end_offset,
        Stop(stop),
    )


def _decode_native(
    data: npt.NDArray[np.uint8], offset: int, next_lsn: int, epoch: int, max_length: int
) -> Decoded:
    capacity = min((data.size - offset) // HEADER_BYTES + 1, DECODE_CHUNK)
    parts: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.uint8]]] = []
    while True:
        offsets, lengths = np.empty(capacity, np.int64), np.empty(capacity, np.int64)
        kinds = np.empty(capacity, np.uint8)
        count, offset, stop = _native().decode(
            data, offset, next_lsn, epoch, max_length, offsets, lengths, kinds
        )
        parts.append((offsets[:count], lengths[:count], kinds[:count]))
        next_lsn += count
        if count < capacity:
            break
    all_offsets, all_lengths, all_kinds = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    return Decoded(all_offsets, all_lengths, all_kinds, int(offset), Stop(stop))


def find_record(
    buffer: Buffer, start: int, due_lsn: int, epoch: int, max_length: int, types: Iterable[int]
) -> int | None:
    """Where the first whole record at or after `start` begins, or None.

    Looks at every byte, since nothing after a bad record can be trusted to be aligned. Any bytes
    may be given, as to `decode_records`.

    Args:
        buffer: what was read from the log.
        start: where to begin.
        due_lsn: the lowest LSN that the record may have.
        epoch: the epoch that it must have.
        max_length: the longest payload that can have been written.
        types: the accepted types, each 0..255; at least one.

    Raises:
        InvalidInput: a number does not fit its field, or there is no type.
    """
    data = as_bytes(buffer)
    wanted = np.zeros(256, np.uint8)
    wanted[_as_types(list(types))] = 1
    if start < 0 or not wanted.any() or not 0 <= max_length <= MAX_LENGTH:
        raise InvalidInput("find_record needs a type, an offset of 0 or more, and a length")
    _check_numbers(0, 0, due_lsn, epoch)
    if native_budget.pays(max(0, data.size - start)):
        found = int(_native().find(data, start, epoch, due_lsn, max_length, wanted))
    else:
        found = twin.find(data.data, start, epoch, due_lsn, max_length, wanted.tobytes(), crc32c)
    return None if found < 0 else found


@functools.cache
def _native() -> ModuleType:
    from veristack_lab.kernels import _records_native

    return _records_native


def _check_numbers(count: int, types: int, lsn: int, epoch: int) -> None:
    if count != types:
        raise InvalidInput(f"{count} payloads need as many types, not {types}")
    if not 0 <= lsn <= MAX_LSN - count:
        raise InvalidInput(f"LSN {lsn} does not fit: it is between 0 and {MAX_LSN - count}")
    if not 0 <= epoch <= MAX_EPOCH:
        raise InvalidInput(f"epoch {epoch} does not fit: it is between 0 and {MAX_EPOCH}")


def _as_types(types: Sequence[int] | npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    if isinstance(types, np.ndarray) and types.dtype == np.uint8:
        kinds = np.ascontiguousarray(types).view()
        kinds.setflags(write=False)
        return kinds
    try:
        return np.frombuffer(bytes(list(types)), np.uint8)
    except (ValueError, TypeError) as error:
        raise InvalidInput("a record's type is a number from 0 to 255") from error
