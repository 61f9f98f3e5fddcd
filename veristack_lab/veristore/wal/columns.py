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
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

import numpy as np

from veristack_lab.errors import StoreCorrupt
from veristack_lab.kernels.pairs import Column, Measured, Pair, fill

_HEAD = struct.Struct("<III")
_DIFFERENT = 0xFFFFFFFF
LENGTH_BYTES = 4
HEAD_BYTES = _HEAD.size
_TABLE = np.dtype("<u4")


class Columns:
    """Pairs to be set, as two sequences of the same length. Iterates over the pairs.

    To fill a dictionary, use `iter`: the attribute `keys` makes `dict.update` take the object
    itself for a mapping.

    Args:
        keys, values: sequences of the same length.
    """

    __slots__ = ("keys", "values")

    def __init__(self, keys: Sequence[bytes], values: Sequence[bytes]) -> None:
        self.keys = keys
        self.values = values

    def __repr__(self) -> str:
        return f"<Columns of {len(self.keys):,} pairs>"

    def __len__(self) -> int:
        return len(self.keys)

    def __iter__(self) -> Iterator[Pair]:
        return zip(self.keys, self.values, strict=True)


class Pairs:
    """Pairs to be set, as they are. Iterates over them.

    What a writer has: to take a thousand pairs apart costs more than to write their bytes.

    Args:
        pairs: if a key repeats, the last pair wins.
        size_bytes: keys and values together.
    """

    __slots__ = ("pairs", "size_bytes")

    def __init__(self, pairs: tuple[Pair, ...], size_bytes: int) -> None:
        self.pairs = pairs
        self.size_bytes = size_bytes

    def __repr__(self) -> str:
        return f"<{len(self.pairs):,} pairs>"

    def __len__(self) -> int:
        return len(self.pairs)

    def __iter__(self) -> Iterator[Pair]:
        return iter(self.pairs)


def encode_pairs(pairs: Measured) -> bytes:
    """Payload of a PUT_MANY record from pairs that `kernels.pairs` has measured."""
    return fill(_head(pairs.keys, pairs.values), pairs)


def encode_columns(
    columns: Columns, key_lengths: Sequence[int], value_lengths: Sequence[int]
) -> bytes:
    """Payload of a PUT_MANY record. The caller has the lengths already, from checking them."""
    head = _head(*map(_as_column, (key_lengths, value_lengths)))
    return b"".join((head, *columns.keys, *columns.values))


def _as_column(lengths: Sequence[int]) -> Column:
    return Column(lengths, sum(lengths), min(lengths), max(lengths))


def _head(keys: Column, values: Column) -> bytes:
    """Everything before the keys."""
    key_length, key_table = _encode_lengths(keys)
    value_length, value_table = _encode_lengths(values)
    head = _HEAD.pack(len(keys.lengths), key_length, value_length)
    return b"".join((head, key_table, value_table))


def _encode_lengths(column: Column) -> tuple[int, bytes]:
    if column.shortest == column.longest:
        return column.longest, b""
    return _DIFFERENT, np.asarray(column.lengths, _TABLE).tobytes()


def decode_columns(payload: bytes) -> Columns:
    """The pairs of a PUT_MANY payload. Allocates nothing that the payload does not fill.

    Raises:
        StoreCorrupt: the payload is inconsistent.
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
