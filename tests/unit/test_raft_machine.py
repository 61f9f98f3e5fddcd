"""The replicated state machine and its sessions, case by case."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.conformance_keyvalue import KeyValueConformance
from tests.unit.raft_disk import ME
from veristack_lab.errors import InvalidInput, KeyTooLarge, StoreClosed, StoreCorrupt
from veristack_lab.veristore import Batch
from veristack_lab.veristore.disk import RealDisk
from veristack_lab.veristore.keyvalue import KeyValue
from veristack_lab.veristore.raft import commands
from veristack_lab.veristore.raft.cluster_time import ClusterTime
from veristack_lab.veristore.raft.commands import Command, Op, Reply, Status
from veristack_lab.veristore.raft.entries import Entry, Kind
from veristack_lab.veristore.raft.errors import ReplyForgotten, SessionExpired, SnapshotDamaged
from veristack_lab.veristore.raft.machine import PIECE_BYTES, Machine
from veristack_lab.veristore.raft.opening import open_node
from veristack_lab.veristore.raft.sessions import Limits
from veristack_lab.veristore.wal.mutations import RecordType


def do(machine: Machine, command: Command) -> Reply:
    reply = machine.apply(Entry(machine.applied + 1, 1, Kind.COMMAND, command.encode()))
    assert reply is not None
    return reply


def with_session(limits: Limits | None = None) -> tuple[Machine, int]:
    machine = Machine(limits)
    return machine, do(machine, commands.OPEN_SESSION).number


def test_entries_of_the_core_only_move_the_applied_index() -> None:
    machine = Machine()
    before = machine.state_hash()
    assert machine.apply(Entry(1, 1, Kind.NOOP)) is None
    assert machine.apply(Entry(2, 1, Kind.CONFIGURATION, b"{}")) is None
    assert (machine.applied, machine.scan()) == (2, [])
    assert machine.state_hash() != before


def test_entries_come_in_order_and_once() -> None:
    machine = Machine()
    machine.apply(Entry(1, 1, Kind.NOOP))
    for index in (1, 3):
        with pytest.raises(StoreCorrupt):
            machine.apply(Entry(index, 1, Kind.NOOP))
    assert machine.applied == 1


def test_a_swap_sets_only_what_it_expects() -> None:
    machine = Machine()
    assert do(machine, commands.swap(b"k", None, b"1")) == Reply(Status.DONE, 1)
    assert do(machine, commands.swap(b"k", None, b"2")) == Reply(Status.DONE, 2, swapped=False)
    assert do(machine, commands.swap(b"k", b"", b"2")) == Reply(Status.DONE, 3, swapped=False)
    assert do(machine, commands.swap(b"k", b"1", b"")) == Reply(Status.DONE, 4)
    assert machine.get(b"k") == b""
    assert do(machine, commands.swap(b"k", b"", None)) == Reply(Status.DONE, 5)
    assert machine.get(b"k") is None


def test_a_repeated_command_gets_the_first_answer_and_is_not_executed() -> None:
    machine, session = with_session()
    command = commands.swap(b"k", None, b"1").within(session, 1)
    first = do(machine, command)
    do(machine, commands.put(b"k", b"other"))
    assert do(machine, command) == first == Reply(Status.DONE, 2)
    assert machine.get(b"k") == b"other"


def test_a_reply_that_the_client_has_is_forgotten_and_the_command_never_executed_again() -> None:
    machine, session = with_session()
    do(machine, commands.put(b"k", b"1").within(session, 1))
    do(machine, commands.put(b"k", b"2").within(session, 2, done_below=2))
    assert do(machine, commands.put(b"k", b"1").within(session, 1)).status is Status.FORGOTTEN
    assert machine.get(b"k") == b"2"


def test_a_session_holds_a_bounded_number_of_replies() -> None:
    machine, session = with_session(Limits(max_replies=3))
    for sequence in (3, 1, 2):
        assert do(machine, commands.put(b"k", b"%d" % sequence).within(session, sequence)).number
    crowded = do(machine, commands.put(b"k", b"4").within(session, 4))
    assert (crowded.status, machine.get(b"k")) == (Status.CROWDED, b"2")
    assert do(machine, commands.put(b"k", b"4").within(session, 4, 2)).status is Status.DONE


def test_sessions_are_bounded_and_the_longest_idle_goes_first() -> None:
    machine = Machine(Limits(max_sessions=2))
    first, second = (do(machine, commands.OPEN_SESSION).number for _ in range(2))
    do(machine, commands.put(b"k", b"1").within(first, 1))
    third = do(machine, commands.OPEN_SESSION).number
    assert [each in machine.sessions for each in (first, second, third)] == [True, False, True]
    lost = do(machine, commands.put(b"k", b"2").within(second, 1))
    assert (lost.status, machine.get(b"k")) == (Status.EXPIRED, b"1")


def test_a_session_expires_by_the_time_in_the_log() -> None:
    machine, session = with_session(Limits(timeout_ms=1000))
    put = commands.put(b"k", b"1").within(session, 1)
    assert do(machine, put._replace(time_ms=1000)).status is Status.DONE
    assert do(machine, put._replace(time_ms=5)).status is Status.DONE, "time never goes back"
    do(machine, commands.put(b"other", b"")._replace(time_ms=2000))
    assert session in machine.sessions, "idle for exactly the timeout"
    do(machine, commands.put(b"other", b"")._replace(time_ms=2001))
    assert session not in machine.sessions
    again = do(machine, put._replace(time_ms=2001))
    assert again == Reply(Status.EXPIRED), "an error, and never a second execution"


def test_bytes_that_are_no_command_change_nothing_but_the_applied_index() -> None:
    machine = Machine()
    do(machine, commands.put(b"k", b"1"))
    for data in (
        b"",
        b"\xff" * 40,
        Command(Op.PUT, b"\xff\xff").encode(),
        Command(Op.DELETE, b"").encode(),
        Command(Op.BATCH, b"\x01").encode(),
        Command(Op.SWAP, b"\0").encode(),
        Command(Op.SWAP, bytes(9)).encode(),
    ):
        reply = machine.apply(Entry(machine.applied + 1, 1, Kind.COMMAND, data))
        assert reply == Reply(Status.MALFORMED)
    assert machine.scan() == [(b"k", b"1")]


def test_what_cannot_be_a_command_is_refused_where_it_is_made() -> None:
    for make in (
        lambda: commands.batch(Batch()),
        lambda: commands.put("text", b""),  # type: ignore[arg-type]
        lambda: commands.swap(b"k", "text", b""),  # type: ignore[arg-type]
        lambda: commands.put(b"k", b"").within(0, 1),
        lambda: commands.put(b"k", b"").within(1, 0),
        lambda: commands.put(b"k", b"").within(1, 1, done_below=2),
        lambda: Machine(Limits(max_sessions=0)),
        lambda: Machine().get("text"),  # type: ignore[arg-type]
        lambda: Machine().scan(limit=-1),
    ):
        with pytest.raises(InvalidInput):
            make()
    with pytest.raises(KeyTooLarge):
        commands.delete(b"")


def test_a_reply_says_by_an_error_that_the_command_was_not_executed() -> None:
    assert Reply(Status.DONE, 7).checked() == Reply(Status.DONE, 7)
    for status, error in (
        (Status.EXPIRED, SessionExpired),
        (Status.FORGOTTEN, ReplyForgotten),
        (Status.CROWDED, ReplyForgotten),
        (Status.MALFORMED, InvalidInput),
    ):
        with pytest.raises(error):
            Reply(status).checked()


def test_a_large_map_goes_through_a_snapshot_in_pieces() -> None:
    machine, session = with_session()
    for number in range(300):
        do(machine, commands.put(b"%04d" % number, bytes(1000)).within(session, number + 1, number))
    pieces = list(machine.pieces())
    pairs = [payload for kind, payload in pieces if kind == RecordType.PUT_MANY]
    assert 4 < len(pairs) < 8
    assert max(map(len, pairs)) < PIECE_BYTES + 2000
    again = Machine.from_pieces(Limits(), machine.applied, pieces)
    assert again.state_hash() == machine.state_hash()
    assert again.scan() == machine.scan()


def test_a_snapshot_with_other_limits_is_refused() -> None:
    machine, _ = with_session(Limits(max_sessions=5))
    with pytest.raises(SnapshotDamaged, match="give every node the same limits"):
        Machine.from_pieces(Limits(), machine.applied, machine.pieces())


def test_the_state_hash_sees_every_part_of_the_state() -> None:
    seen = set()
    for limits in (Limits(), Limits(max_replies=5)):
        for time_ms in (0, 7):
            for value in (b"", b"1"):
                machine, session = with_session(limits)
                do(machine, commands.put(b"k", value)._replace(time_ms=time_ms))
                seen.add(machine.state_hash())
                do(machine, commands.put(b"k", value).within(session, 1))
                seen.add(machine.state_hash())
                do(machine, commands.swap(b"k", b"no", b"").within(session, 2, 2))
                seen.add(machine.state_hash())
    assert len(seen) == 24


def test_the_cluster_goes_on_with_the_time_that_the_log_has_reached() -> None:
    clock = ClusterTime()
    assert clock.stamp(500, 90.0) == 500, "no leader: the time stands still"
    clock.begin(500, 100.0)
    assert clock.stamp(500, 100.25) == 750
    assert clock.stamp(900, 100.25) == 900, "the log is ahead"
    assert clock.stamp(500, 99.0) == 500, "a clock that goes back moves nothing back"
    clock.end()
    assert clock.stamp(750, 200.0) == 750


class OneNode:
    """A `KeyValue` on one machine and one storage: every write is a log entry, synced, applied."""

    def __init__(self, folder: Path) -> None:
        self.parts = open_node(RealDisk(), folder, ME)
        self.machine, self.is_closed = Machine(), False
        for entry in self.parts.storage.state.entries:
            self.machine.apply(entry)

    def put(self, key: bytes, value: bytes) -> int:
        return self.write_command(commands.put(key, value))

    def delete(self, key: bytes) -> int:
        return self.write_command(commands.delete(key))

    def write(self, batch: Batch) -> int:
        return self.write_command(commands.batch(batch))

    def write_command(self, command: Command) -> int:
        self.check()
        entry = Entry(self.machine.applied + 1, 1, Kind.COMMAND, command.encode())
        self.parts.storage.write(1, 1, [entry])
        self.parts.storage.sync()
        reply = self.machine.apply(entry)
        assert reply is not None
        assert reply.status is Status.DONE
        return reply.number

    def sync(self) -> int:
        self.check()
        self.parts.storage.sync()
        return self.machine.applied

    def get(self, key: bytes) -> bytes | None:
        self.check()
        return self.machine.get(key)

    def scan(
        self, prefix: bytes = b"", start: bytes | None = None, limit: int | None = None
    ) -> Iterator[tuple[bytes, bytes]]:
        self.check()
        return iter(self.machine.scan(prefix, start or b"", limit))

    def check(self) -> None:
        if self.is_closed:
            raise StoreClosed

    def close(self) -> None:
        self.is_closed = True
        self.parts.storage.close()
        self.parts.lock.release()


class TestKeyValue(KeyValueConformance):
    """What a map must do, asked of the machine. A machine has no views and one thread."""

    test_a_view_stays_as_it_was = None  # type: ignore[assignment]
    test_a_closed_store_says_so = None  # type: ignore[assignment]
    test_readers_see_a_batch_as_a_whole_or_not_at_all = None  # type: ignore[assignment]

    def opened(self, where: Path) -> AbstractContextManager[KeyValue]:
        return self._opened(where)

    @contextmanager
    def _opened(self, where: Path) -> Iterator[KeyValue]:
        store = OneNode(where / "node")
        try:
            yield store  # type: ignore[misc]
        finally:
            store.close()
