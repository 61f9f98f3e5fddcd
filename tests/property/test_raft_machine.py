"""The state machine against a simple model: a dictionary, and a list of what each session was
told."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.thoroughness import sized
from veristack_lab.errors import StoreCorrupt
from veristack_lab.sim import SimDisk
from veristack_lab.veristore import Batch
from veristack_lab.veristore.raft import commands
from veristack_lab.veristore.raft.commands import Command, Op, Reply, Status
from veristack_lab.veristore.raft.configuration import Configuration
from veristack_lab.veristore.raft.entries import Entry, Kind
from veristack_lab.veristore.raft.errors import SnapshotDamaged
from veristack_lab.veristore.raft.machine import Machine
from veristack_lab.veristore.raft.sessions import Limits
from veristack_lab.veristore.raft.snapshots import Snapshots
from veristack_lab.veristore.wal.mutations import RecordType

LIMITS = Limits(max_sessions=3, max_replies=4, timeout_ms=100)
KEYS = st.sampled_from([b"a", b"b", b"b\x00", b"c"])
VALUES = st.one_of(st.none(), st.sampled_from([b"", b"1", b"2"]))
OPERATIONS = st.one_of(
    st.tuples(st.just("put"), KEYS, st.sampled_from([b"", b"1", b"2"])),
    st.tuples(st.just("delete"), KEYS),
    st.tuples(st.just("swap"), KEYS, VALUES, VALUES),
    st.tuples(st.just("batch"), st.lists(st.tuples(KEYS, VALUES), min_size=1, max_size=3)),
)
STEPS = st.lists(
    st.tuples(
        st.one_of(st.just(None), OPERATIONS),
        st.integers(0, 4),  # which of the sessions that were ever opened; 0: none
        st.integers(1, 9),  # sequence
        st.integers(0, 6),  # done below
        st.sampled_from([0, 0, 1, 40, 101]),  # ms that pass
    ),
    max_size=40,
)


Operation = tuple[Any, ...]


class Told(NamedTuple):
    """What the model remembers of a session."""

    last_ms: int
    done_below: int
    replies: dict[int, Reply]


class Model:
    """The rules of sessions, written down a second time and as plainly as possible."""

    def __init__(self) -> None:
        self.pairs: dict[bytes, bytes] = {}
        self.sessions: dict[int, Told] = {}
        self.now_ms = 0

    def apply(self, index: int, operation: Operation | None, command: Command) -> Reply:
        self.now_ms = max(self.now_ms, command.time_ms)
        idle = [s for s, told in self.sessions.items() if self.now_ms - told.last_ms > 100]
        for session in idle:
            del self.sessions[session]
        if operation is None:
            if len(self.sessions) == 3:
                del self.sessions[min(self.sessions, key=lambda s: self._age(s))]
            self.sessions[index] = Told(self.now_ms, 1, {})
            return Reply(Status.DONE, index)
        if not command.session:
            return self.execute(index, operation)
        if command.session not in self.sessions:
            return Reply(Status.EXPIRED)
        told = self.sessions.pop(command.session)
        below = max(told.done_below, command.done_below)
        replies = {number: reply for number, reply in told.replies.items() if number >= below}
        self.sessions[command.session] = Told(self.now_ms, below, replies)
        if command.sequence in replies:
            return replies[command.sequence]
        if command.sequence < below:
            return Reply(Status.FORGOTTEN)
        if command.sequence >= below + 4:
            return Reply(Status.CROWDED)
        replies[command.sequence] = self.execute(index, operation)
        return replies[command.sequence]

    def _age(self, session: int) -> tuple[int, int]:
        return self.sessions[session].last_ms, list(self.sessions).index(session)

    def execute(self, index: int, operation: Operation) -> Reply:
        kind, *rest = operation
        if kind == "swap":
            key, expected, value = rest
            if self.pairs.get(key) != expected:
                return Reply(Status.DONE, index, swapped=False)
            changes = [(key, value)]
        elif kind == "batch":
            changes = rest[0]
        else:
            changes = [(rest[0], rest[1] if kind == "put" else None)]
        for key, value in changes:
            self.pairs.pop(key, None)
            if value is not None:
                self.pairs[key] = value
        return Reply(Status.DONE, index)


def command_of(operation: Operation | None) -> Command:
    if operation is None:
        return commands.OPEN_SESSION
    kind, *rest = operation
    if kind == "put":
        return commands.put(*rest)
    if kind == "delete":
        return commands.delete(*rest)
    if kind == "swap":
        return commands.swap(*rest)
    made = Batch()
    for key, value in rest[0]:
        made = made.delete(key) if value is None else made.put(key, value)
    return commands.batch(made)


def through_a_snapshot(machine: Machine) -> Machine:
    disk = SimDisk()
    disk.make_dir(Path("/d"))
    snapshots = Snapshots(disk, Path("/d"))
    meta = snapshots.write(machine.applied, 1, Configuration((1,)), machine.pieces())
    return Machine.from_pieces(machine.limits, meta.index, snapshots.pieces(meta))


@given(steps=STEPS, snapshot_at=st.integers(0, 40))
@settings(max_examples=sized(60, 2000), deadline=None)
def test_it_does_what_the_model_does(steps: list[Any], snapshot_at: int) -> None:
    machine, twin, model = Machine(LIMITS), Machine(LIMITS), Model()
    opened, time_ms = [0], 0
    for number, (operation, which, sequence, done_below, passed_ms) in enumerate(steps, 1):
        time_ms += passed_ms
        command = command_of(operation)._replace(time_ms=time_ms)
        session = opened[which % len(opened)]
        if operation is not None and session:
            below = min(done_below, sequence)
            command = command._replace(session=session, sequence=sequence, done_below=below)
        entry = Entry(number, 1, Kind.COMMAND, command.encode())
        reply = machine.apply(entry)
        twin.apply(entry)
        if operation is None:
            opened.append(number)
        assert reply == model.apply(number, operation, command)
        assert machine.scan() == sorted(model.pairs.items())
        assert len(machine.sessions) == len(model.sessions) <= LIMITS.max_sessions
        assert machine.state_hash() == twin.state_hash()
        if number == snapshot_at:
            twin = through_a_snapshot(twin)
            assert twin.state_hash() == machine.state_hash()
    again = through_a_snapshot(machine)
    assert again.state_hash() == machine.state_hash(), "sums kept up to date equal sums made anew"
    assert list(again.sessions.encode()) == list(machine.sessions.encode())


@given(steps=st.lists(OPERATIONS, min_size=1, max_size=12), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_however_often_a_command_is_repeated_it_happens_once(
    steps: list[Operation], seed: int
) -> None:
    rng = random.Random(seed)
    once, often = Machine(), Machine()
    log = [commands.OPEN_SESSION]
    log += [command_of(each).within(1, number) for number, each in enumerate(steps, 1)]
    replies: dict[int, Reply | None] = {}
    for index, command in enumerate(log, 1):
        once.apply(Entry(index, 1, data=command.encode()))
    for command in log:
        first = often.apply(Entry(often.applied + 1, 1, data=command.encode()))
        if command.op is Op.OPEN:
            continue
        replies[command.sequence] = first
        for again in rng.choices(log[1 : command.sequence + 1], k=rng.randint(0, 3)):
            reply = often.apply(Entry(often.applied + 1, 2, data=again.encode()))
            assert reply == replies[again.sequence]
    assert often.scan() == once.scan()


@given(data=st.binary(max_size=80))
@settings(max_examples=100)
def test_any_bytes_in_the_log_are_answered_the_same_way_on_every_node(data: bytes) -> None:
    one, other = Machine(), Machine()
    for head in (b"", bytes([Op.SWAP]) + bytes(32), bytes([Op.BATCH]) + bytes(32)):
        entry = Entry(one.applied + 1, 1, data=head + data)
        assert one.apply(entry) == other.apply(entry)
        assert one.state_hash() == other.state_hash()


@given(pieces=st.lists(st.tuples(st.sampled_from([5, 24]), st.binary(max_size=60)), max_size=4))
@settings(max_examples=100)
def test_any_pieces_make_a_state_or_are_refused(pieces: list[tuple[int, bytes]]) -> None:
    made = [(RecordType(kind), payload) for kind, payload in pieces]
    try:
        machine = Machine.from_pieces(LIMITS, 5, made)
    except SnapshotDamaged:
        return
    assert machine.applied == 5


@given(data=st.binary(max_size=60))
def test_a_command_survives_its_encoding_and_other_bytes_are_refused(data: bytes) -> None:
    try:
        command = Command.decode(data)
    except StoreCorrupt:
        return
    assert command.encode() == data
