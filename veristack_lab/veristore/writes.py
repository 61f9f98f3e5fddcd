"""What a write becomes: the type, the payload and the changes of one record.

Everything that cannot be stored is refused here, before anything is queued or written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from operator import countOf

from veristack_lab.errors import InvalidInput, ValueTooLarge
from veristack_lab.veristore.columns import (
    HEAD_BYTES,
    LENGTH_BYTES,
    Columns,
    Lengths,
    encode_columns,
    measure,
    total,
)
from veristack_lab.veristore.mutations import (
    MAX_KEY_BYTES,
    MAX_PAYLOAD_BYTES,
    MAX_VALUE_BYTES,
    Batch,
    Change,
    RecordType,
    check_key,
    check_value,
    encode_batch,
    encode_put,
)

Record = tuple[RecordType, bytes, Iterable[Change]]
"""Type, payload and changes; the changes can be gone through again."""


def put(key: bytes, value: bytes) -> Record:
    """The record of one put. Raises as `check_key` and `check_value`."""
    check_key(key)
    check_value(value)
    return RecordType.PUT, encode_put(key, value), ((key, value),)


def delete(key: bytes) -> Record:
    """The record of one delete. Raises as `check_key`."""
    check_key(key)
    return RecordType.DELETE, key, ((key, None),)


def batch(changes: Batch) -> Record:
    """The record of a batch as it is now. Raises `InvalidInput` if it is empty."""
    made = tuple(changes.changes)
    if not made:
        raise InvalidInput("the batch is empty; put or delete something in it first")
    return RecordType.BATCH, encode_batch(made), made


def put_many(pairs: Iterable[tuple[bytes, bytes]] | Mapping[bytes, bytes]) -> Record:
    """The record of many puts, by the fastest path.

    Raises:
        InvalidInput: there are no pairs, or something that is no pair of bytes.
        KeyTooLarge, ValueTooLarge: a key, a value or the whole is too large.
    """
    table = _as_dictionary(pairs)
    keys, values = list(table), list(table.values())
    if not countOf(map(type, keys), bytes) == len(keys) == countOf(map(type, values), bytes):
        _check_pairs(keys, values)
    key_lengths, value_lengths = measure(keys), measure(values)
    longest, shortest = _extremes(key_lengths)
    if not shortest or longest > MAX_KEY_BYTES or _extremes(value_lengths)[0] > MAX_VALUE_BYTES:
        _check_pairs(keys, values)
    size = total(key_lengths, len(keys)) + total(value_lengths, len(keys))
    if size + HEAD_BYTES + 2 * LENGTH_BYTES * len(keys) > MAX_PAYLOAD_BYTES:
        raise ValueTooLarge(
            f"the pairs have {size:,} bytes, and with their lengths must have less than "
            f"{MAX_PAYLOAD_BYTES:,}; write them in parts"
        )
    columns = Columns(keys, values, size, table)
    return RecordType.PUT_MANY, encode_columns(columns, key_lengths, value_lengths), columns


def _as_dictionary(
    pairs: Iterable[tuple[bytes, bytes]] | Mapping[bytes, bytes],
) -> dict[bytes, bytes]:
    try:
        table = dict(pairs)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"put_many takes pairs of a key and a value: {error}") from error
    if not table:
        raise InvalidInput("there are no pairs; give put_many at least one")
    return table


def _extremes(lengths: Lengths) -> tuple[int, int]:
    """The longest and the shortest."""
    if isinstance(lengths, int):
        return lengths, lengths
    return max(lengths), min(lengths)


def _check_pairs(keys: Iterable[bytes], values: Iterable[bytes]) -> None:
    for key in keys:
        check_key(key)
    for value in values:
        check_value(value)
