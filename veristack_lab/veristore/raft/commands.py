"""What clients ask of the state machine: the data of a log entry of kind COMMAND, and the reply.

    command   op u8 | time u64, ms | session u64 | sequence u64 | done below u64 | operands
    OPEN      nothing; the reply's number is the new session's id
    PUT       as a PUT record of the store; DELETE, BATCH likewise
    SWAP      key length u32 | flags u8 | expected length u32 | key | expected | new value
              flag 1: the key is expected to have a value; flag 2: it gets one, else it is removed

Integers are little-endian. The time is the cluster's, stamped by the leader (see `cluster_time`).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

from veristack_lab.errors import InvalidInput, StoreCorrupt
from veristack_lab.veristore.raft.errors import ReplyForgotten, SessionExpired
from veristack_lab.veristore.wal import mutations
from veristack_lab.veristore.wal.mutations import Batch, Change, RecordType, check_key, check_value

_HEAD = struct.Struct("<BQQQQ")
_SWAP = struct.Struct("<IBI")
_EXPECTED, _VALUE = 1, 2


class Op(IntEnum):
    """What a command does."""

    PUT = RecordType.PUT
    DELETE = RecordType.DELETE
    BATCH = RecordType.BATCH
    OPEN = 32
    SWAP = 33


class Command(NamedTuple):
    """What one client asks for.

    With a session, it is executed at most once however often it is proposed. With session 0 it is
    executed as often as it is in the log: for commands that may be repeated.
    """

    op: Op
    operands: bytes = b""
    session: int = 0
    sequence: int = 0
    """Number of the command within its session, from 1; the same for every attempt."""
    done_below: int = 0
    """The client has the reply of every command below: their replies can be forgotten."""
    time_ms: int = 0
    """Set by the leader; what the client gives is ignored."""

    def encode(self) -> bytes:
        """The data of the entry."""
        head = _HEAD.pack(self.op, self.time_ms, self.session, self.sequence, self.done_below)
        return head + self.operands

    @classmethod
    def decode(cls, data: bytes) -> Command:
        """What `encode` wrote.

        Raises:
            StoreCorrupt: it is no command.
        """
        if len(data) < _HEAD.size or data[0] not in _OPS:
            raise StoreCorrupt(f"{len(data)} bytes in the log are no command")
        op, time_ms, session, sequence, done_below = _HEAD.unpack_from(data)
        return cls(_OPS[op], data[_HEAD.size :], session, sequence, done_below, time_ms)

    def within(self, session: int, sequence: int, done_below: int = 0) -> Command:
        """The command as one of a session.

        Raises:
            InvalidInput: a number is out of bounds.
        """
        if session < 1 or sequence < 1 or not 0 <= done_below <= sequence:
            raise InvalidInput(
                f"session {session} and sequence {sequence} begin at 1, and the command that is "
                f"asked for now cannot be done already (done_below={done_below})"
            )
        return self._replace(session=session, sequence=sequence, done_below=done_below)


_OPS = {int(op): op for op in Op}


class Status(IntEnum):
    """What became of a command."""

    DONE = 1
    EXPIRED = 2
    """The session is not known (any more). Not executed now."""
    FORGOTTEN = 3
    """Executed or given up before, and the reply is no longer kept. Not executed now."""
    CROWDED = 4
    """Too many commands of the session are open. Not executed."""
    MALFORMED = 5
    """The operands say nothing sensible. Not executed."""


class Reply(NamedTuple):
    """The answer to a command, the same for every attempt."""

    status: Status
    number: int = 0
    """The log index at which it was executed: the number of its change."""
    swapped: bool = True
    """For SWAP: whether the key had the expected value."""

    def checked(self) -> Reply:
        """This reply, if the command was executed.

        Raises:
            SessionExpired: the session is not known (any more).
            ReplyForgotten: it was executed or given up before, or too many are open.
            InvalidInput: its operands say nothing sensible.
        """
        if self.status is Status.EXPIRED:
            raise SessionExpired
        if self.status in (Status.FORGOTTEN, Status.CROWDED):
            raise ReplyForgotten
        if self.status is Status.MALFORMED:
            raise InvalidInput("the command's operands cannot be read; nothing was changed")
        return self


OPEN_SESSION = Command(Op.OPEN)
"""Opens a session."""


def put(key: bytes, value: bytes) -> Command:
    """Set a key. Raises as `check_key` and `check_value`."""
    check_key(key)
    check_value(value)
    return Command(Op.PUT, mutations.encode_put(key, value))


def delete(key: bytes) -> Command:
    """Remove a key, present or not. Raises as `check_key`."""
    check_key(key)
    return Command(Op.DELETE, key)


def batch(changes: Batch) -> Command:
    """All changes together, in their order. Raises `InvalidInput` if there are none."""
    if not changes.changes:
        raise InvalidInput("the batch is empty; put or delete something in it first")
    return Command(Op.BATCH, mutations.encode_batch(changes.changes))


def swap(key: bytes, expected: bytes | None, value: bytes | None) -> Command:
    """Compare and set: if the key has the expected value, give it another.

    Args:
        key: the key.
        expected: the value that it must have; None: it must be absent.
        value: the new value; None removes the key.

    Raises:
        KeyTooLarge, ValueTooLarge, InvalidInput: as `check_key` and `check_value`.
    """
    check_key(key)
    for each in (expected, value):
        if each is not None:
            check_value(each)
    flags = _EXPECTED * (expected is not None) + _VALUE * (value is not None)
    head = _SWAP.pack(len(key), flags, len(expected or b""))
    return Command(Op.SWAP, b"".join((head, key, expected or b"", value or b"")))


class Swap(NamedTuple):
    """The operands of a SWAP."""

    key: bytes
    expected: bytes | None
    value: bytes | None


def decode_swap(operands: bytes) -> Swap:
    """The operands of a SWAP. Raises `StoreCorrupt`."""
    if len(operands) < _SWAP.size:
        raise StoreCorrupt("a SWAP command is shorter than its head")
    key_length, flags, expected_length = _SWAP.unpack_from(operands)
    key_end = _SWAP.size + key_length
    end = key_end + expected_length
    if not key_length or end > len(operands) or flags > (_EXPECTED | _VALUE):
        raise StoreCorrupt("a SWAP command has an impossible head")
    value = operands[end:]
    if (expected_length and not flags & _EXPECTED) or (value and not flags & _VALUE):
        raise StoreCorrupt("a SWAP command holds a value that it says it has not")
    return Swap(
        operands[_SWAP.size : key_end],
        operands[key_end:end] if flags & _EXPECTED else None,
        value if flags & _VALUE else None,
    )


def changes_of(command: Command) -> Sequence[Change]:
    """What a PUT, DELETE or BATCH changes. Raises `StoreCorrupt`."""
    changes = tuple(mutations.decode(int(command.op), command.operands))
    if not changes or not all(key for key, _ in changes):
        raise StoreCorrupt("a command changes nothing, or an empty key")
    return changes
