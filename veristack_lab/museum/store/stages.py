"""Workloads in which exhibits show themselves, and the steps that only they need."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from veristack_lab.sim.store.session import Session
from veristack_lab.sim.store.steps import (
    Checkpoint,
    Delete,
    Fail,
    Put,
    Reopen,
    Step,
    Still,
    Workload,
    Write,
    workload,
)

NEIGHBOUR_PATH = Path("/sim/neighbour")


@dataclass(frozen=True)
class NeighbourCheckpoint(Still):
    """Another store, in another folder, writes some keys and a snapshot."""

    def run(self, session: Session) -> None:
        """Open, write, snapshot, close."""
        disk = session.engine.disk(session.disk)
        with session.engine.open(disk, session.clock, NEIGHBOUR_PATH) as neighbour:
            for number in range(40):
                neighbour.put(b"neighbour's %d" % number, b"not yours")
            neighbour.checkpoint()

    def __str__(self) -> str:
        return "a neighbour writes a snapshot"


def journal() -> Workload:
    """A dozen small writes, each acknowledged on its own."""
    steps: list[Step] = [Put(b"line-%02d" % number, b"%d" % number * 40) for number in range(12)]
    return workload("journal", [*steps, Delete(b"line-03"), Put(b"line-00", b"rewritten")])


def transfers() -> Workload:
    """An amount moves between two accounts, in batches of two keys and a note of a sector."""
    steps: list[Step] = []
    for number in range(6):
        note = (b"note", b"%d" % number * 600)
        left, right = b"%d" % (100 - number), b"%d" % (100 + number)
        steps.append(Write(((b"left", left), note, (b"right", right))))
    return workload("transfers", steps)


def notes() -> Workload:
    """Values as people write them, with spaces, tabs and line ends; then a snapshot."""
    texts = (b"two words", b"tab\tbed", b"line\nline", b"plain", b"", b"nul\0nul")
    steps: list[Step] = [Put(b"note-%d" % number, text) for number, text in enumerate(texts)]
    return workload("notes", [*steps, Checkpoint(), Put(b"after", b"the snapshot"), Reopen()])


def snapshots() -> Workload:
    """Keys that are rewritten and deleted between snapshots."""
    steps: list[Step] = []
    for turn in range(3):
        steps += [Put(b"key-%d" % number, b"%d" % turn * 50) for number in range(4)]
        steps += [Checkpoint(), Delete(b"key-%d" % turn)]
    return workload("snapshots", [*steps, Put(b"last", b"one")])


def segments() -> Workload:
    """Enough writes for several segments."""
    steps: list[Step] = [Put(b"key-%02d" % number, bytes([number]) * 900) for number in range(14)]
    return workload("segments", steps)


def whole_sectors() -> Workload:
    """A first write that fills its sector, so that the sector behind it may be garbage.

    Only a write that makes the file longer can leave garbage; the others have room reserved.
    """
    # 24 bytes of header, 4 of key length, 5 of key; and the segment's header has 32
    steps: list[Step] = [Put(b"key-0", b"0" * 447), Put(b"key-1", b"1" * 479)]
    return workload("whole_sectors", steps)


def rewritten_segments() -> Workload:
    """The same keys in one segment after the other, and then a snapshot of all of them."""
    steps: list[Step] = [Put(b"key-%d" % (n % 3), b"%d" % (n // 6) * 700) for n in range(18)]
    return workload("rewritten_segments", [*steps, Checkpoint(), Put(b"last", b"one")])


def failing_disk() -> Workload:
    """A sync fails under the writers; the store is reopened and goes on."""
    before: list[Step] = [Put(b"before-%d" % number, b"b" * 30) for number in range(3)]
    after: list[Step] = [Put(b"after-%d" % number, b"a" * 30) for number in range(3)]
    fault = Fail("sync-error", path="log-*")
    return workload("failing_disk", [*before, fault, *after, Reopen(), Put(b"end", b"")])


def neighbours() -> Workload:
    """Two stores that have nothing to do with each other."""
    mine: list[Step] = [Put(b"mine-%d" % number, b"m" * 20) for number in range(4)]
    return workload(
        "neighbours", [*mine, Checkpoint(), NeighbourCheckpoint(), Put(b"mine-4", b""), Reopen()]
    )
