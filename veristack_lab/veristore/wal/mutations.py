"""What a log record means: the change it makes to the map, as bytes and back.

    PUT      key length u32 | key | value
    DELETE   key
    BATCH    per change: op u8 | key length u32 | value length u32 | key | value
    MARK     nothing; says that everything before it was durable
    PUT_MANY a table of pairs, column by column (see `columns`); since format version 2
    RAFT_... records of a Raft node's files only; `raft.records` says what they hold

Integers are little-endian. One record is one atomic change, however many keys it touches: its
CRC32C decides for all of them at once.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum

from veristack_lab.errors import InvalidInput, KeyTooLarge, StoreCorrupt, ValueTooLarge
from veristack_lab.veristore.wal.columns import decode_columns

MAX_KEY_BYTES = 65_536
MAX_VALUE_BYTES = 64 * 1024 * 1024
MAX_PAYLOAD_BYTES = 2 * MAX_VALUE_BYTES
"""Largest payload of one record. A longer length found in a log is damage, never a request
for memory."""

_LENGTH = struct.Struct("<I")
_CHANGE = struct.Struct("<BII")

Change = tuple[bytes, bytes | None]
"""A key and its new value; None deletes it."""


class RecordType(IntEnum):
    """The type byte of a record, without the group bit (see `segment.GROUP_START`)."""

    PUT = 1
    DELETE = 2
    BATCH = 3
    MARK = 4
    PUT_MANY = 5
    RAFT_NODE = 16
    RAFT_TERM = 17
    RAFT_DROP = 18
    RAFT_ENTRY = 19
    RAFT_SNAPSHOT = 20
    RAFT_BEFORE = 21
    RAFT_DAMAGE = 22
    RAFT_REPAIRED = 23
    RAFT_STATE = 24


def check_key(key: bytes) -> None:
    """Refuse an invalid key.

    Raises:
        InvalidInput: not bytes.
        KeyTooLarge: empty or over 65,536 bytes.
    """
    if not isinstance(key, bytes):
        raise InvalidInput(f"a key is bytes, not {type(key).__name__}; encode it first")
    if not 0 < len(key) <= MAX_KEY_BYTES:
        raise KeyTooLarge(f"the key has {len(key):,} bytes; keys are 1 to {MAX_KEY_BYTES:,} bytes")


def check_value(value: bytes) -> None:
    """Refuse an invalid value.

    Raises:
        InvalidInput: not bytes.
        ValueTooLarge: over 64 MiB.
    """
    if not isinstance(value, bytes):
        raise InvalidInput(f"a value is bytes, not {type(value).__name__}; encode it first")
    if len(value) > MAX_VALUE_BYTES:
        raise ValueTooLarge(
            f"the value has {len(value):,} bytes, the limit is {MAX_VALUE_BYTES:,}; "
            "put larger ones into the object store"
        )


class Batch:
    """Changes that happen together or not at all. Later ones win over earlier ones.

    Example: `store.write(Batch().put(b"a", b"1").delete(b"b"))`.
    """

    def __init__(self) -> None:
        self._changes: list[Change] = []
        self.size_bytes = 0
        """Length of the record payload this batch becomes."""

    def __repr__(self) -> str:
        return f"<Batch of {len(self._changes)} changes, {self.size_bytes:,} bytes>"

    def __len__(self) -> int:
        return len(self._changes)

    def put(self, key: bytes, value: bytes) -> Batch:
        """Set a key. Returns the batch, to chain.

        Raises:
            KeyTooLarge, ValueTooLarge, InvalidInput: see `check_key` and `check_value`.
        """
        check_key(key)
        check_value(value)
        return self._add(key, value)

    def delete(self, key: bytes) -> Batch:
        """Remove a key, present or not. Returns the batch, to chain.

        Raises:
            KeyTooLarge, InvalidInput: see `check_key`.
        """
        check_key(key)
        return self._add(key, None)

    def _add(self, key: bytes, value: bytes | None) -> Batch:
        size = self.size_bytes + _CHANGE.size + len(key) + len(value or b"")
        if size > MAX_PAYLOAD_BYTES:
            raise ValueTooLarge(
                f"the batch would have {size:,} bytes, the limit is {MAX_PAYLOAD_BYTES:,}; "
                "write it in parts"
            )
        self._changes.append((key, value))
        self.size_bytes = size
        return self

    @property
    def changes(self) -> Sequence[Change]:
        """The changes in the order they were added."""
        return self._changes


def encode_put(key: bytes, value: bytes) -> bytes:
    """Payload of a PUT record."""
    return _LENGTH.pack(len(key)) + key + value


def encode_batch(changes: Iterable[Change]) -> bytes:
    """Payload of a BATCH record."""
    parts: list[bytes] = []
    for key, value in changes:
        if value is None:
            parts += (_CHANGE.pack(RecordType.DELETE, len(key), 0), key)
        else:
            parts += (_CHANGE.pack(RecordType.PUT, len(key), len(value)), key, value)
    return b"".join(parts)


def decode(kind: int, payload: bytes) -> Iterable[Change]:
    """The changes of one record whose checksum was found right; those of PUT_MANY as `Columns`.

    Raises:
        StoreCorrupt: the payload is inconsistent: it was written wrong. For a BATCH, raised only
            when the iteration reaches the fault.
    """
    if kind == RecordType.PUT:
        return (_decode_put(payload),)
    if kind == RecordType.DELETE:
        return ((payload, None),)
    if kind == RecordType.BATCH:
        return decode_batch(payload)
    if kind == RecordType.PUT_MANY:
        return decode_columns(payload)
    if kind == RecordType.MARK:
        return ()
    raise StoreCorrupt(f"a record of unknown type {kind} has a right checksum")


def _decode_put(payload: bytes) -> Change:
    if len(payload) < _LENGTH.size:
        raise StoreCorrupt("a PUT record is shorter than its key length")
    end = _LENGTH.size + _LENGTH.unpack_from(payload)[0]
    if end > len(payload):
        raise StoreCorrupt("the key of a PUT record is longer than the record")
    return payload[_LENGTH.size : end], payload[end:]


def decode_batch(payload: bytes) -> Iterator[Change]:
    """The changes of a BATCH payload.

    Raises:
        StoreCorrupt: the payload is inconsistent.
    """
    offset = 0
    while offset < len(payload):
        if offset + _CHANGE.size > len(payload):
            raise StoreCorrupt("a BATCH record ends inside a change")
        op, key_length, value_length = _CHANGE.unpack_from(payload, offset)
        key_end = offset + _CHANGE.size + key_length
        end = key_end + value_length
        if end > len(payload) or op not in (RecordType.PUT, RecordType.DELETE):
            raise StoreCorrupt("a BATCH record holds an impossible change")
        key = payload[offset + _CHANGE.size : key_end]
        yield key, payload[key_end:end] if op == RecordType.PUT else None
        offset = end
