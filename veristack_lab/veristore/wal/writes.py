"""What a write becomes: the type, the payload and the changes of one record.

Everything that cannot be stored is refused here, before anything is queued or written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from veristack_lab.errors import InvalidInput, ValueTooLarge
from veristack_lab.kernels.pairs import measure
from veristack_lab.veristore.wal.columns import (
    HEAD_BYTES,
    LENGTH_BYTES,
    Pairs,
    encode_pairs,
)
from veristack_lab.veristore.wal.mutations import (
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
        InvalidInput: there are no pairs, or an element is not a pair of bytes.
        KeyTooLarge, ValueTooLarge: a key, a value or the whole is too large.
    """
    held = _as_tuple(pairs)
    measured = measure(held)
    if measured is None:
        held = tuple(map(_as_pair, held))
        measured = measure(held)
        assert measured is not None
    keys, values = measured.keys, measured.values
    if not keys.shortest or keys.longest > MAX_KEY_BYTES or values.longest > MAX_VALUE_BYTES:
        for key, value in held:
            check_key(key)
            check_value(value)
    if measured.size_bytes + HEAD_BYTES + 2 * LENGTH_BYTES * len(held) > MAX_PAYLOAD_BYTES:
        raise ValueTooLarge(
            f"the pairs have {measured.size_bytes:,} bytes, and with their lengths must have less "
            f"than {MAX_PAYLOAD_BYTES:,}; write them in parts"
        )
    return RecordType.PUT_MANY, encode_pairs(measured), Pairs(held, measured.size_bytes)


def _as_tuple(
    pairs: Iterable[tuple[bytes, bytes]] | Mapping[bytes, bytes],
) -> tuple[tuple[bytes, bytes], ...]:
    try:
        # What has `keys` is a mapping, as for `dict`.
        held = tuple(dict(pairs).items() if hasattr(pairs, "keys") else pairs)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"put_many takes pairs of a key and a value: {error}") from error
    if not held:
        raise InvalidInput("there are no pairs; give put_many at least one")
    return held


def _as_pair(pair: Iterable[bytes]) -> tuple[bytes, bytes]:
    """A pair of any kind as a tuple of plain bytes.

    Raises:
        InvalidInput: it is not a pair of bytes.
    """
    try:
        key, value = pair
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"put_many takes pairs of a key and a value: {error}") from error
    check_key(key)
    check_value(value)
    # Of a subclass only its bytes are kept, as only they are read back from the log.
    return bytes(memoryview(key)), bytes(memoryview(value))
