"""The replicated state machine: a sorted map and the sessions of its clients.

A deterministic function of the log: the same entries give the same state, the same replies and the
same `state_hash`, on every node. It has no log of its own; its snapshot carries the index up to
which it has applied (`snapshots`), and after a restart the node applies the entries behind that
again.

Pieces of a snapshot, each a record of its own and at most about `PIECE_BYTES` long:

    RAFT_STATE   "T" | time u64, ms | max sessions u64 | max replies u64 | timeout u64, ms
    RAFT_STATE   "S" | one session (`sessions`), longest idle first
    PUT_MANY     pairs of the map, in byte order of the keys
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from hashlib import blake2b

from veristack_lab.errors import InvalidInput, StoreCorrupt
from veristack_lab.veristore.memtable.sorted_map import SortedMap
from veristack_lab.veristore.raft.commands import (
    Command,
    Op,
    Reply,
    Status,
    changes_of,
    decode_swap,
)
from veristack_lab.veristore.raft.entries import Entry, Kind
from veristack_lab.veristore.raft.errors import SnapshotDamaged
from veristack_lab.veristore.raft.records import Record
from veristack_lab.veristore.raft.sessions import Limits, Sessions
from veristack_lab.veristore.wal.columns import Columns, decode_columns, encode_columns
from veristack_lab.veristore.wal.mutations import Change, RecordType

PIECE_BYTES = 64 * 1024
_TIME = struct.Struct("<QQQQ")
_LENGTHS = struct.Struct("<II")
_STATE = struct.Struct("<QQ")
_MODULUS = 1 << 128
_TIME_MARK, _SESSION_MARK = b"T", b"S"


class Machine:
    """The state machine of one node. Not thread-safe.

    Args:
        limits: bounds of the sessions, the same on every node of the cluster.

    Raises:
        InvalidInput: a limit is below 1.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = (limits or Limits()).checked()
        self.applied = 0
        """The index of the last entry that was applied."""
        self.sessions = Sessions(self.limits)
        self._map = SortedMap()
        self._checksum = 0

    def __repr__(self) -> str:
        return f"<Machine applied={self.applied} {self._map!r} {self.sessions!r}>"

    # --------------------------------------------------------------- reading

    def get(self, key: bytes) -> bytes | None:
        """The value of a key, or None. Raises `InvalidInput` if the key is not bytes."""
        if not isinstance(key, bytes):
            raise InvalidInput(f"a key is bytes, not {type(key).__name__}; encode it first")
        return self._map.get(key)

    def scan(
        self, prefix: bytes = b"", start: bytes = b"", limit: int | None = None
    ) -> list[tuple[bytes, bytes]]:
        """Pairs in byte order of the keys. Raises `InvalidInput` if the limit is negative."""
        if limit is not None and limit < 0:
            raise InvalidInput(f"limit={limit} is negative")
        return self._map.scan(prefix, start, limit)

    def __len__(self) -> int:
        return len(self._map)

    def state_hash(self) -> str:
        """A short name of the whole state, the same on every node that applied the same log.

        It costs the same however large the map is: each change keeps a sum of hashes up to date.
        """
        whole = blake2b(digest_size=16)
        whole.update(_STATE.pack(self.applied, self.sessions.time_ms))
        whole.update(repr(tuple(self.limits)).encode())
        for part in (self._checksum, self.sessions.checksum):
            whole.update(part.to_bytes(16, "little"))
        return whole.hexdigest()

    # -------------------------------------------------------------- applying

    def apply(self, entry: Entry) -> Reply | None:
        """Apply the next entry of the log. The reply, for a command; None for other kinds.

        Raises:
            StoreCorrupt: it is not the next entry. Nothing was changed.
        """
        if entry.index != self.applied + 1:
            raise StoreCorrupt(f"entry {entry.index} cannot be applied after {self.applied}")
        self.applied = entry.index
        if entry.kind != Kind.COMMAND:
            return None
        try:
            command = Command.decode(entry.data)
        except StoreCorrupt:
            return Reply(Status.MALFORMED)
        self.sessions.pass_time(command.time_ms)
        if command.op is Op.OPEN:
            self.sessions.open(entry.index)
            return Reply(Status.DONE, entry.index)
        if not command.session:
            return self._execute(entry.index, command)
        reply = self.sessions.admit(command)
        if reply is None:
            reply = self._execute(entry.index, command)
            if reply.status is Status.DONE:
                self.sessions.remember(command, reply)
        return reply

    def _execute(self, index: int, command: Command) -> Reply:
        try:
            if command.op is Op.SWAP:
                key, expected, value = decode_swap(command.operands)
                if self._map.get(key) != expected:
                    return Reply(Status.DONE, index, swapped=False)
                changes: Iterable[Change] = ((key, value),)
            else:
                changes = changes_of(command)
        except StoreCorrupt:
            return Reply(Status.MALFORMED)
        for key, value in changes:
            self._set(key, value)
        return Reply(Status.DONE, index)

    def _set(self, key: bytes, value: bytes | None) -> None:
        old = self._map.get(key)
        if old is not None:
            self._checksum -= _hash_of_pair(key, old)
        if value is None:
            self._map.apply(((key, None),))
        else:
            self._map.put(key, value)
            self._checksum += _hash_of_pair(key, value)
        self._checksum %= _MODULUS

    # ------------------------------------------------------------- snapshots

    def pieces(self) -> Iterator[Record]:
        """The whole state, for `Snapshots.write`. Nothing may be applied meanwhile."""
        time = _TIME.pack(self.sessions.time_ms, *self.limits)
        yield RecordType.RAFT_STATE, _TIME_MARK + time
        for piece in self.sessions.encode():
            yield RecordType.RAFT_STATE, _SESSION_MARK + piece
        keys: list[bytes] = []
        values: list[bytes] = []
        size_bytes = 0
        for key, value in self._map.items():
            keys.append(key)
            values.append(value)
            size_bytes += len(key) + len(value)
            if size_bytes >= PIECE_BYTES:
                yield _pairs(keys, values)
                keys, values, size_bytes = [], [], 0
        if keys:
            yield _pairs(keys, values)

    @classmethod
    def from_pieces(cls, limits: Limits, applied: int, pieces: Iterable[Record]) -> Machine:
        """The machine that a snapshot holds.

        Raises:
            SnapshotDamaged: the pieces make no state, or one with other limits.
        """
        machine = cls(limits)
        machine.applied = applied
        try:
            for kind, payload in pieces:
                machine._take(kind, payload)
        except StoreCorrupt as error:
            raise SnapshotDamaged(f"the snapshot up to index {applied}: {error}") from error
        return machine

    def _take(self, kind: RecordType, payload: bytes) -> None:
        mark, rest = payload[:1], payload[1:]
        if kind == RecordType.PUT_MANY:
            for key, value in decode_columns(payload):
                self._set(key, value)
        elif kind == RecordType.RAFT_STATE and mark == _SESSION_MARK:
            self.sessions.decode(rest)
        elif kind == RecordType.RAFT_STATE and mark == _TIME_MARK and len(rest) == _TIME.size:
            self.sessions.time_ms, *found = _TIME.unpack(rest)
            if tuple(found) != tuple(self.limits):
                raise StoreCorrupt(
                    f"it was made with {Limits(*found)}, and this node has {self.limits}; give "
                    "every node the same limits"
                )
        else:
            raise StoreCorrupt(f"a piece of type {int(kind)} says nothing about the state")


def _pairs(keys: list[bytes], values: list[bytes]) -> Record:
    lengths = [*map(len, keys)], [*map(len, values)]
    return RecordType.PUT_MANY, encode_columns(Columns(keys, values), *lengths)


def _hash_of_pair(key: bytes, value: bytes) -> int:
    whole = blake2b(_LENGTHS.pack(len(key), len(value)), digest_size=16)
    whole.update(key)
    whole.update(value)
    return int.from_bytes(whole.digest(), "little")
