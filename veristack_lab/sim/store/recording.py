"""One run of a workload: every disk operation, and which states are legal between any two."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, chain

from veristack_lab.sim.disk.operations import Operation
from veristack_lab.sim.disk.simdisk import SimDisk
from veristack_lab.sim.store.engine import Engine
from veristack_lab.sim.store.session import Session, State
from veristack_lab.sim.store.steps import Reopen, Workload


@dataclass(frozen=True)
class StepRecord:
    """What one step did."""

    label: str
    begins: int
    """Disk operations before it."""
    ends: int
    """Disk operations when it returned."""
    last_lsn: int
    """LSN of the newest write that was acknowledged when it returned."""
    writes: bool
    """Whether it is a write of the store that a lower durability may lose."""
    syncs: bool
    """Whether everything before is durable after it."""
    error: str
    """Why it was not acknowledged; empty if it was."""
    excused: bool
    """Whether it may fail: the disk had faults since the store was opened."""


@dataclass(frozen=True)
class Recording:
    """A workload's run.

    Crash point k is the moment after k disk operations.
    """

    workload: Workload
    seed: int
    operations: tuple[Operation, ...]
    steps: tuple[StepRecord, ...]
    history: tuple[tuple[State, ...], ...]
    """For each number of steps done, the states that may be there: one, or two after a step
    that failed and may have happened or not."""
    may_lose: int | None
    """How many acknowledged writes a power cut may take; None: all since the last sync."""
    trace_hash: str

    def __repr__(self) -> str:
        return f"<Recording of {self.workload.name}, {len(self.operations)} disk operations>"

    @cached_property
    def _ends(self) -> list[int]:
        return [step.ends for step in self.steps]

    @cached_property
    def last_lsns(self) -> list[int]:
        """After each number of steps, the highest LSN that was acknowledged."""
        return [0, *accumulate((step.last_lsn for step in self.steps), max)]

    @cached_property
    def refusals(self) -> tuple[int, ...]:
        """Numbers of the steps that failed and should not have."""
        failed = (number for number, step in enumerate(self.steps) if step.error)
        return tuple(number for number in failed if not self.steps[number].excused)

    def acknowledged(self, crash_point: int) -> int:
        """How many steps had returned."""
        return bisect_right(self._ends, crash_point)

    def has_begun(self, crash_point: int) -> bool:
        """Whether a further step has done something to the disk."""
        done = self.acknowledged(crash_point)
        return done < len(self.steps) and self.steps[done].begins < crash_point

    def durable(self, crash_point: int) -> int:
        """How many steps must be there: all acknowledged ones, less what may be lost."""
        done = self.acknowledged(crash_point)
        left = self.may_lose
        while done > 1 and not self.steps[done - 1].syncs:
            if self.steps[done - 1].writes and left is not None:
                if left == 0:
                    break
                left -= 1
            done -= 1
        return done if self.may_lose != 0 else self.acknowledged(crash_point)

    def legal(self, crash_point: int) -> list[State]:
        """The states a recovered store may have."""
        last = self.acknowledged(crash_point) + int(self.has_begun(crash_point))
        states: list[State] = []
        for number in range(self.durable(crash_point), last + 1):
            states += [state for state in self.history[number] if state not in states]
        return states

    def state_index(self, state: State, crash_point: int) -> int:
        """After how many steps the history had this state; -1 if never. The latest counts."""
        latest = self.acknowledged(crash_point) + int(self.has_begun(crash_point))
        for number in chain(range(latest, -1, -1), range(latest + 1, len(self.history))):
            if state in self.history[number]:
                return number
        return -1

    def disk_at(self, crash_point: int) -> SimDisk:
        """The disk after this many operations."""
        disk = SimDisk(self.seed)
        for operation in self.operations[:crash_point]:
            disk.apply(operation)
        return disk


def record(workload: Workload, engine: Engine, seed: int = 0) -> Recording:
    """Run a workload once.

    Raises:
        VeriStackError: the first step, opening an empty disk, failed.
    """
    disk = SimDisk(seed)
    session = Session(engine, disk, workload.on_objects)
    records: list[StepRecord] = []
    excused = False
    history: list[tuple[State, ...]] = [({},)]
    for step in workload.steps:
        begins = len(disk.operations) if records else 0
        error, excused = "", excused or disk.has_faults
        try:
            step.run(session)
        except Exception as refused:  # noqa: BLE001 a broken engine may raise anything: a finding
            error = f"{type(refused).__name__}: {refused}"
        lsn = session.store.stats().last_lsn
        ends = len(disk.operations)
        records.append(
            StepRecord(
                str(step), begins, ends, lsn, step.writes, step.syncs and not error, error, excused
            )
        )
        states = [step.model(state) for state in history[-1]]
        if error:
            states += [state for state in history[-1] if state not in states]
        if isinstance(step, Reopen) and not error:
            excused = False
        if isinstance(step, Reopen) and len(states) > 1:
            # An unacknowledged step is there or not; whichever it is now, it stays so.
            found = session.observe()
            states = [found] if found in states else states
        history.append(tuple(states))
    return Recording(
        workload,
        seed,
        tuple(disk.operations),
        tuple(records),
        tuple(history),
        engine.may_lose,
        disk.trace_hash(),
    )
