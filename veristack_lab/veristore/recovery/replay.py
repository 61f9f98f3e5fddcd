"""Records into a dictionary, as fast as Python allows, and in their order.

One record at a time costs about a microsecond in a dozen small steps. Here the lengths of a
whole run of PUT and DELETE records are checked by numpy, and one `dict.update` takes all
its pairs: the later one wins there too, so order is kept. A run of PUTs of one shape (the same
lengths throughout, as in most logs of fixed-size values) is cut up by one call of `struct`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from veristack_lab.errors import StoreCorrupt
from veristack_lab.kernels import records
from veristack_lab.veristore.wal.mutations import RecordType, decode
from veristack_lab.veristore.wal.segment import GROUP_START, Window

Values = dict[bytes, bytes | None]
"""Keys and values; None for a key that was deleted."""
_Numbers = npt.NDArray[np.int64]

_KEY_LENGTH_BYTES = 4
_FEW = 16
"""Up to this many records, one at a time is quicker."""


def replay(window: Window, values: Values, skip: int = 0) -> int:
    """Apply a window's records, all but the first `skip`. Returns how many were applied.

    Raises:
        StoreCorrupt: a payload is inconsistent: it was written wrong.
    """
    skip = max(0, skip)
    kinds = window.decoded.types & np.uint8(0xFF ^ GROUP_START)
    is_single = (kinds == RecordType.PUT) | (kinds == RecordType.DELETE)
    bounds = [skip, *(np.flatnonzero(np.diff(is_single[skip:])) + skip + 1).tolist(), len(kinds)]
    if len(kinds) - skip <= _FEW * (len(bounds) - 1):
        bounds, is_single = [skip, len(kinds)], np.zeros_like(is_single)
    for first, end in pairwise(bounds):
        if first < end and is_single[first]:
            _apply_run(window, kinds, slice(first, end), values)
        else:
            _apply_each(window, kinds, slice(first, end), values)
    return max(0, len(kinds) - skip)


def may_delete(window: Window) -> bool:
    """Whether a window has records that can delete a key."""
    kinds = window.decoded.types & np.uint8(0xFF ^ GROUP_START)
    return bool(((kinds == RecordType.DELETE) | (kinds == RecordType.BATCH)).any())


def without_deleted(values: Values) -> dict[bytes, bytes]:
    """What is left when the deleted keys are dropped. The dictionary itself, if none is."""
    deleted = [key for key, value in values.items() if value is None]
    for key in deleted:
        del values[key]
    return values  # type: ignore[return-value]  # just made true


def _apply_each(window: Window, kinds: npt.NDArray[np.uint8], part: slice, values: Values) -> None:
    buffer, found = window.buffer, window.decoded
    columns = kinds[part], found.payload_offsets[part], found.payload_lengths[part]
    for kind, offset, length in zip(*(column.tolist() for column in columns), strict=True):
        # `iter`: columns have `keys`, which `update` would call as a mapping's.
        values.update(iter(decode(kind, buffer[offset : offset + length])))


def _apply_run(window: Window, kinds: npt.NDArray[np.uint8], part: slice, values: Values) -> None:
    """PUT and DELETE records: a key, and for PUT a value behind it."""
    buffer, starts = window.buffer, window.decoded.payload_offsets[part]
    lengths, is_put = window.decoded.payload_lengths[part], kinds[part] == RecordType.PUT
    key_lengths = _numbers_at(buffer, starts)
    if bool((is_put & (key_lengths + _KEY_LENGTH_BYTES > lengths)).any()):
        raise StoreCorrupt("the key of a PUT record is longer than the record")
    all_put = bool(is_put.all())
    if all_put and _are_alike(lengths) and _are_alike(key_lengths):
        values.update(_cut_alike(buffer, starts, int(lengths[0]), int(key_lengths[0])))
        return
    ends = starts + lengths
    key_starts = starts + _KEY_LENGTH_BYTES * is_put
    key_ends = np.where(is_put, key_starts + key_lengths, ends)
    bounds = key_starts.tolist(), key_ends.tolist(), ends.tolist()
    keys = [buffer[start:end] for start, end in zip(bounds[0], bounds[1], strict=True)]
    found = [buffer[start:end] for start, end in zip(bounds[1], bounds[2], strict=True)]
    if all_put:
        values.update(zip(keys, found, strict=True))
    else:
        puts = zip(found, is_put.tolist(), strict=True)
        values.update(zip(keys, [value if put else None for value, put in puts], strict=True))


def _numbers_at(buffer: bytes, offsets: _Numbers) -> _Numbers:
    """The u32 at each offset; undefined if fewer than four bytes follow."""
    words: npt.NDArray[np.uint32] = np.ndarray(
        (len(buffer) - _KEY_LENGTH_BYTES + 1,), "<u4", buffer, strides=(1,)
    )
    return words[np.minimum(offsets, len(words) - 1)].astype(np.int64)


def _are_alike(numbers: _Numbers) -> bool:
    return bool((numbers == numbers[0]).all())


def _cut_alike(
    buffer: bytes, starts: _Numbers, length: int, key_length: int
) -> Iterable[tuple[bytes, bytes]]:
    """The pairs of PUT records that stand back to back and all have these lengths."""
    value_length = length - _KEY_LENGTH_BYTES - key_length
    shape = f"{records.HEADER_BYTES + _KEY_LENGTH_BYTES}x{key_length}s{value_length}s"
    part = memoryview(buffer)[int(starts[0]) - records.HEADER_BYTES : int(starts[-1]) + length]
    return struct.iter_unpack(shape, part)
