"""Sessions of clients: every command takes effect once, however often it is proposed.

A client opens a session, and numbers its commands. The table remembers the replies, so a command
that is proposed again (because its answer was lost, or the leader changed) is answered and not
executed (Ongaro 2014, section 6.3). The table is part of the replicated state and of every
snapshot.

**Expiry by the log.** A session expires when the cluster's time, which only commands in the log
move forward, has passed its last command by `timeout_ms`. No clock of a node is asked, so all
nodes expire it at the same entry. A command of an expired session is an error and never a second
execution.

**Bounds**: at most `max_sessions` (opening one more expires the one that was idle longest), and for
each at most `max_replies` commands from `done_below` on.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from hashlib import blake2b
from typing import NamedTuple

from veristack_lab.errors import InvalidInput, StoreCorrupt
from veristack_lab.veristore.raft.commands import Command, Reply, Status

_SESSION = struct.Struct("<QQQI")
_REPLY = struct.Struct("<QQB")
_NUMBERS = struct.Struct("<QQQQ")
_MODULUS = 1 << 128


class Limits(NamedTuple):
    """Bounds of the table. The same on every node of a cluster, for ever: a part of the state."""

    max_sessions: int = 1024
    max_replies: int = 32
    timeout_ms: int = 60_000

    def checked(self) -> Limits:
        """These limits, if they are valid. Raises `InvalidInput`."""
        if min(self) < 1 or max(self) >= 1 << 63:
            raise InvalidInput(f"each limit is at least 1 and below 2**63, not {self}")
        return self


class _Session:
    """One session. `replies` by sequence number, none below `done_below`."""

    __slots__ = ("done_below", "last_ms", "replies")

    def __init__(self, last_ms: int, done_below: int = 1) -> None:
        self.last_ms = last_ms
        self.done_below = done_below
        self.replies: dict[int, Reply] = {}


class Sessions:
    """The table of sessions.

    Args:
        limits: its bounds.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.time_ms = 0
        """The cluster's time: the latest that a command in the log carried."""
        self.checksum = 0
        """Sum of the hashes of all parts of the table, modulo 2**128: kept up with every change."""
        self._table: dict[int, _Session] = {}  # longest idle first

    def __repr__(self) -> str:
        return f"<Sessions {len(self._table)} open at {self.time_ms} ms>"

    def __len__(self) -> int:
        return len(self._table)

    def __contains__(self, session: object) -> bool:
        return session in self._table

    def pass_time(self, time_ms: int) -> None:
        """Move the cluster's time forward, never back, and expire what was idle too long."""
        if time_ms <= self.time_ms:
            return
        self.time_ms = time_ms
        last_ms = time_ms - self.limits.timeout_ms
        while self._table:
            oldest = next(iter(self._table))
            if self._table[oldest].last_ms >= last_ms:
                break
            self._remove(oldest)

    def open(self, session: int) -> None:
        """Open a session under a number that was never used: its log index."""
        if len(self._table) >= self.limits.max_sessions:
            self._remove(next(iter(self._table)))
        self._table[session] = opened = _Session(self.time_ms)
        self._count(self._hash(session, opened))

    def admit(self, command: Command) -> Reply | None:
        """What a command of a session is answered without executing it; None: execute it now."""
        session = self._table.get(command.session)
        if session is None:
            return Reply(Status.EXPIRED)
        self._touch(command.session, session, command.done_below)
        remembered = session.replies.get(command.sequence)
        if remembered is not None:
            return remembered
        if command.sequence < session.done_below:
            return Reply(Status.FORGOTTEN)
        if command.sequence >= session.done_below + self.limits.max_replies:
            return Reply(Status.CROWDED)
        return None

    def remember(self, command: Command, reply: Reply) -> None:
        """Keep the reply of a command that was admitted and executed."""
        session = self._table[command.session]
        session.replies[command.sequence] = reply
        self._count(_hash_of_reply(command.session, command.sequence, reply))

    def _touch(self, number: int, session: _Session, done_below: int) -> None:
        before = self._hash(number, session)
        session.last_ms = self.time_ms
        if done_below > session.done_below:
            session.done_below = done_below
            for sequence in [each for each in session.replies if each < done_below]:
                reply = session.replies.pop(sequence)
                self._count(-_hash_of_reply(number, sequence, reply))
        self._table[number] = self._table.pop(number)
        self._count(self._hash(number, session) - before)

    def _remove(self, number: int) -> None:
        session = self._table.pop(number)
        replies = (_hash_of_reply(number, *each) for each in session.replies.items())
        self._count(-self._hash(number, session) - sum(replies))

    def _count(self, change: int) -> None:
        self.checksum = (self.checksum + change) % _MODULUS

    @staticmethod
    def _hash(number: int, session: _Session) -> int:
        return _hash(_NUMBERS.pack(number, session.last_ms, session.done_below, 0))

    # ------------------------------------------------------------- snapshots

    def encode(self) -> Iterator[bytes]:
        """One piece for each session, longest idle first."""
        for number, session in self._table.items():
            head = (number, session.last_ms, session.done_below, len(session.replies))
            replies = (
                _REPLY.pack(sequence, reply.number, reply.swapped)
                for sequence, reply in session.replies.items()
            )
            yield b"".join((_SESSION.pack(*head), *replies))

    def decode(self, piece: bytes) -> None:
        """Take in a piece that `encode` gave. Raises `StoreCorrupt`."""
        if len(piece) < _SESSION.size:
            raise StoreCorrupt("a session in a snapshot is cut short")
        number, last_ms, done_below, count = _SESSION.unpack_from(piece)
        if len(piece) != _SESSION.size + count * _REPLY.size or number in self._table:
            raise StoreCorrupt(f"session {number} in a snapshot is not whole, or stands twice")
        session = self._table[number] = _Session(last_ms, done_below)
        self._count(self._hash(number, session))
        for at in range(_SESSION.size, len(piece), _REPLY.size):
            sequence, index, swapped = _REPLY.unpack_from(piece, at)
            reply = session.replies[sequence] = Reply(Status.DONE, index, bool(swapped))
            self._count(_hash_of_reply(number, sequence, reply))


def _hash(data: bytes) -> int:
    return int.from_bytes(blake2b(data, digest_size=16).digest(), "little")


def _hash_of_reply(session: int, sequence: int, reply: Reply) -> int:
    return _hash(_NUMBERS.pack(session, sequence, reply.number, 1 + reply.swapped))
