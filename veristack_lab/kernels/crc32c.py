"""CRC32C (Castagnoli), the checksum of iSCSI, ext4, RocksDB and of every record in our log.

Three tiers give the same answers: the processor's own instructions (crc32, and carry-less
multiplication if available), slicing-by-8 as machine code otherwise, and plain Python. Which one
runs is decided once for the process (`tier()`) and then by the amount of work: see
`_jit.NativeBudget`.

Source: RFC 3720 (iSCSI), sections 12.1 and B.4.
"""

from __future__ import annotations

import functools
from types import ModuleType
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from veristack_lab.errors import InvalidInput
from veristack_lab.kernels import _crc32c_python, _polynomial
from veristack_lab.kernels._jit import jit_enabled, native_budget

if TYPE_CHECKING:
    from collections.abc import Sequence

    Buffer = bytes | bytearray | memoryview | npt.NDArray[np.uint8]

ALL_ONES = _polynomial.ALL_ONES
MAX_LENGTH = 1 << 64
_INT64 = np.dtype(np.int64)


def tier() -> Literal["hardware", "slicing-by-8", "python"]:
    """The tier that computes large checksums in this process. Loads numba if allowed."""
    if not jit_enabled():
        return "python"
    from veristack_lab.kernels import _tiers

    return "hardware" if _tiers.HARDWARE else "slicing-by-8"


def crc32c(data: Buffer, value: int = 0) -> int:
    """The CRC32C of the bytes, or of all bytes so far if `value` is the checksum of the earlier
    ones.

    Args:
        data: any contiguous buffer of bytes.
        value: the checksum of what came before, 0 at the start.

    Raises:
        InvalidInput: `value` is not an unsigned 32-bit number, or the buffer has gaps.
    """
    if not 0 <= value <= ALL_ONES:
        raise InvalidInput(f"{value} is not a CRC32C; a checksum is between 0 and {ALL_ONES}")
    # Skip the look at the flags if possible: a durable put computes a single checksum.
    array = np.frombuffer(data, np.uint8) if type(data) is bytes and data else as_bytes(data)
    if native_budget.pays(array.size):
        return int(_native().checksum(array, value))
    return _crc32c_python.update(value ^ ALL_ONES, array.data) ^ ALL_ONES


def crc32c_many(
    arena: Buffer, offsets: Sequence[int] | npt.NDArray[np.int64]
) -> npt.NDArray[np.uint32]:
    """The CRC32C of each stretch of an arena, all in one call.

    Args:
        arena: the bytes of all items.
        offsets: shape (n + 1,): item i is `arena[offsets[i]:offsets[i + 1]]`.

    Returns:
        Shape (n,).

    Raises:
        InvalidInput: the offsets fall, or point outside the arena.
    """
    array, bounds = as_bytes(arena), as_offsets(offsets)
    sums = np.empty(bounds.size - 1, np.uint32)
    if native_budget.pays(array.size):
        bad = _native().update_many(array, bounds, sums)
    else:
        bad = first_bad_stretch(bounds, array.size)
        view = array.data
        for index in range(sums.size if bad < 0 else 0):
            piece = view[bounds[index] : bounds[index + 1]]
            sums[index] = _crc32c_python.update(ALL_ONES, piece) ^ ALL_ONES
    if bad >= 0:
        raise bad_stretch(bad, bounds, array.size)
    return sums


def combine(crc_a: int, crc_b: int, length_b: int) -> int:
    """The CRC32C of A followed by B, from the checksums of both and the length of B in bytes.

    Source: M. Adler, `crc32_combine` of zlib: A's checksum moves on by B's length, which is
    one multiplication by x^(8 * length).

    Raises:
        InvalidInput: the length is negative, or does not fit into 64 bits.
    """
    if not 0 <= length_b < MAX_LENGTH:
        raise InvalidInput(f"a length of {length_b} bytes is negative or beyond 64 bits")
    return _polynomial.times(_polynomial.zeros(length_b), crc_a) ^ crc_b


@functools.cache
def _native() -> ModuleType:
    """The machine code; an import statement in its place would cost a microsecond a call."""
    from veristack_lab.kernels import _crc32c_native

    return _crc32c_native


def as_bytes(data: Buffer) -> npt.NDArray[np.uint8]:
    """A read-only view of the bytes, without a copy: one type, so one compiled kernel.

    Raises:
        InvalidInput: the buffer has gaps.
    """
    try:
        array = np.frombuffer(data, np.uint8)
    except (ValueError, BufferError) as error:
        if isinstance(data, bytes | bytearray | memoryview) and not len(data):
            array = np.empty(0, np.uint8)
        else:
            raise InvalidInput(f"a contiguous buffer of bytes is needed: {error}") from error
    if array.flags.writeable:
        array.setflags(write=False)
    return array


def as_offsets(offsets: Sequence[int] | npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The offsets as a contiguous read-only int64 array of at least one.

    Raises:
        InvalidInput: they are not one row of whole numbers.
    """
    given = np.asarray(offsets)
    if given.ndim != 1 or not given.size or given.dtype.kind not in "iu":
        raise InvalidInput("offsets are one row of n + 1 whole numbers for n items")
    ready = given.dtype is _INT64 and given.flags.c_contiguous
    bounds = given.view() if ready else np.ascontiguousarray(given, np.int64).view()
    bounds.setflags(write=False)
    return bounds


def first_bad_stretch(bounds: npt.NDArray[np.int64], size: int) -> int:
    """The first item whose offsets fall or lie outside, or -1."""
    bad = (bounds[:-1] < 0) | (np.diff(bounds) < 0) | (bounds[1:] > size)
    return int(np.argmax(bad)) if bad.any() else -1


def bad_stretch(index: int, bounds: npt.NDArray[np.int64], size: int) -> InvalidInput:
    """The error for an item with impossible offsets."""
    return InvalidInput(
        f"item {index} goes from {bounds[index]} to {bounds[index + 1]},"
        f" which is not a stretch of the {size} bytes of the arena"
    )
