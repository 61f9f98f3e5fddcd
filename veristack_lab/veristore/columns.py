"""Many pairs as one record, column by column: all lengths, all keys, all values.

    count u32 | key length u32 | value length u32 | [key lengths u32 each] | [value lengths]
    | keys | values

A length of 0xFFFFFFFF says that the lengths differ and a table of them follows; else all are
that long and no table is written. Little-endian, as everything else.

One record for a thousand pairs spares a thousand headers, and a column is written and read
by a few calls of compiled code where pairs would take a few thousand. (Copeland and
Khoshafian, "A Decomposition Storage Model", 1985, for the layout.)
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from operator import countOf

from veristack_lab.errors import StoreCorrupt

_HEAD = struct.Struct("<III")
_DIFFERENT = 0xFFFFFFFF
LENGTH_BYTES = 4
HEAD_BYTES = _HEAD.size


class Columns:
    """Pairs to be set, as two sequences of the same length. Iterates over the pairs.

    To fill a dictionary, use `into`: the attribute `keys` makes `dict.update` take the object
    itself for a mapping.

    Args:
        keys, values: as many of the one as of the other.
        size_bytes: of all of them, if it is known.
        pairs: the same as a dictionary, if there is one.
    """

    __slots__ = ("_pairs", "_size_bytes", "keys", "values")

    def __init__(
        self,
        keys: Sequence[bytes],
        values: Sequence[bytes],
        size_bytes: int | None = None,
        pairs: dict[bytes, bytes] | None = None,
    ) -> None:
        self.keys = keys
        self.values = values
        self._size_bytes = size_bytes
        self._pairs = pairs

    def __repr__(self) -> str:
        return f"<Columns of {len(self.keys):,} pairs>"

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def size_bytes(self) -> int:
        """Keys and values together."""
        if self._size_bytes is None:
            self._size_bytes = sum(map(len, self.keys)) + sum(map(len, self.values))
        return self._size_bytes

    def into(self, table: dict[bytes, bytes]) -> None:
        """Set all pairs in a dictionary, in their order."""
        # One dictionary into another goes over no Python object in between.
        table.update(iter(self) if self._pairs is None else self._pairs)

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        return zip(self.keys, self.values, strict=True)


Lengths = int | Sequence[int]
"""Of the items of a column: one number for all of them, or one each."""


def measure(items: Sequence[bytes]) -> Lengths:
    """The lengths of a column's items, of which there is at least one."""
    first = len(items[0])
    return first if countOf(map(len, items), first) == len(items) else list(map(len, items))


def total(lengths: Lengths, count: int) -> int:
    """The bytes of a column of so many items, without the table of lengths it may need."""
    return lengths * count if isinstance(lengths, int) else sum(lengths)


def encode_columns(columns: Columns, key_lengths: Lengths, value_lengths: Lengths) -> bytes:
    """Payload of a PUT_MANY record. The caller has the lengths already, from checking them."""
    key_length, key_table = _encode_lengths(key_lengths)
    value_length, value_table = _encode_lengths(value_lengths)
    head = _HEAD.pack(len(columns), key_length, value_length)
    return b"".join((head, key_table, value_table, *columns.keys, *columns.values))


def _encode_lengths(lengths: Lengths) -> tuple[int, bytes]:
    if isinstance(lengths, int):
        return lengths, b""
    if lengths.count(lengths[0]) == len(lengths):
        return lengths[0], b""
    table = array("I", lengths)
    if sys.byteorder == "big":
        table.byteswap()
    return _DIFFERENT, table.tobytes()


def decode_columns(payload: bytes) -> Columns:
    """The pairs of a PUT_MANY payload. Allocates nothing that the payload does not fill.

    Raises:
        StoreCorrupt: the payload contradicts itself.
    """
    if len(payload) < _HEAD.size:
        raise StoreCorrupt("a PUT_MANY record is shorter than its head")
    count, key_length, value_length = _HEAD.unpack_from(payload)
    keys_at = _HEAD.size + LENGTH_BYTES * count * (
        (key_length == _DIFFERENT) + (value_length == _DIFFERENT)
    )
    if not count or not key_length or keys_at > len(payload):
        raise StoreCorrupt("a PUT_MANY record has an impossible head")
    at = _HEAD.size
    key_lengths, at = _decode_lengths(payload, at, count, key_length)
    value_lengths, at = _decode_lengths(payload, at, count, value_length)
    key_bytes = key_length * count if key_lengths is None else sum(key_lengths)
    value_bytes = value_length * count if value_lengths is None else sum(value_lengths)
    if at + key_bytes + value_bytes != len(payload) or (key_lengths and not all(key_lengths)):
        raise StoreCorrupt("the columns of a PUT_MANY record do not fill it")
    values_at = at + key_bytes
    return Columns(
        _cut(payload, at, count, key_length, key_lengths),
        _cut(payload, values_at, count, value_length, value_lengths),
    )


def _decode_lengths(
    payload: bytes, at: int, count: int, length: int
) -> tuple[Sequence[int] | None, int]:
    """The table of lengths that begins here, or None if all are the same; where it ends."""
    if length != _DIFFERENT:
        return None, at
    return struct.unpack_from(f"<{count}I", payload, at), at + LENGTH_BYTES * count


def _cut(
    payload: bytes, at: int, count: int, length: int, lengths: Sequence[int] | None
) -> list[bytes]:
    if lengths is not None:
        return [payload[start:end] for start, end in pairwise(accumulate(lengths, initial=at))]
    if not length:
        return [b""] * count
    return [payload[start : start + length] for start in range(at, at + length * count, length)]
