"""The steps of a workload: what is done to a store, and what it should mean.

Each step can be done (`run`) and knows what it does to a plain dictionary (`model`), so the
legal states after a crash follow from the list of steps alone. Steps on objects are in
`object_steps`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from veristack_lab.sim.disk.faults import FaultKind
from veristack_lab.sim.store.session import Session, State, key_item
from veristack_lab.veristore.wal.mutations import Batch


class Step(Protocol):
    """One call on a store or object store. Atomic: no crash may leave a part of it."""

    @property
    def on_objects(self) -> bool:
        """Whether it needs the object store."""

    @property
    def syncs(self) -> bool:
        """Whether all that was acknowledged is durable after it, at any durability."""

    @property
    def writes(self) -> bool:
        """Whether it is one write of the store, as `Interval(writes=n)` counts them."""

    def run(self, session: Session) -> None:
        """Do it. Returning means acknowledged."""

    def model(self, state: State) -> State:
        """The state after it; the one given is not changed."""

    def __str__(self) -> str:
        """What is done, in a few words."""


class Still:
    """A step that changes nothing that a user sees."""

    on_objects = False
    syncs = False
    writes = False

    def model(self, state: State) -> State:
        """See `Step.model`."""
        return state


class Writing(Still):
    """A write of the store."""

    writes = True


def without(state: State, *items: tuple[str, ...]) -> State:
    """A state without some items."""
    return {item: value for item, value in state.items() if item not in items}


@dataclass(frozen=True)
class Open(Still):
    """Open the store for the first time; always the first step, done by the session itself."""

    def run(self, session: Session) -> None:
        """Nothing more: the session has opened it."""

    def __str__(self) -> str:
        return "open"


@dataclass(frozen=True)
class Put(Writing):
    """Set a key."""

    key: bytes
    value: bytes

    def run(self, session: Session) -> None:
        session.store.put(self.key, self.value)

    def model(self, state: State) -> State:
        return {**state, key_item(self.key): self.value}

    def __str__(self) -> str:
        return f"put {self.key.decode('latin-1')}, {len(self.value)} bytes"


@dataclass(frozen=True)
class Delete(Writing):
    """Remove a key."""

    key: bytes

    def run(self, session: Session) -> None:
        session.store.delete(self.key)

    def model(self, state: State) -> State:
        return without(state, key_item(self.key))

    def __str__(self) -> str:
        return f"delete {self.key.decode('latin-1')}"


@dataclass(frozen=True)
class Write(Writing):
    """Write a batch."""

    changes: tuple[tuple[bytes, bytes | None], ...]

    def run(self, session: Session) -> None:
        batch = Batch()
        for key, value in self.changes:
            batch = batch.delete(key) if value is None else batch.put(key, value)
        session.store.write(batch)

    def model(self, state: State) -> State:
        for key, value in self.changes:
            item = key_item(key)
            state = without(state, item) if value is None else {**state, item: value}
        return state

    def __str__(self) -> str:
        return f"write a batch of {len(self.changes)}"


@dataclass(frozen=True)
class Checkpoint(Still):
    """Write a snapshot and drop the log before it."""

    syncs = True

    def run(self, session: Session) -> None:
        session.store.checkpoint()

    def __str__(self) -> str:
        return "checkpoint"


@dataclass(frozen=True)
class Reopen(Still):
    """Close cleanly, if that is still possible, and open again."""

    syncs = True

    def run(self, session: Session) -> None:
        session.reopen()

    def __str__(self) -> str:
        return "reopen"


@dataclass(frozen=True)
class PutMany(Writing):
    """Set many keys in one atomic batch, the fastest way."""

    pairs: tuple[tuple[bytes, bytes], ...]

    def run(self, session: Session) -> None:
        session.store.put_many(self.pairs)

    def model(self, state: State) -> State:
        return {**state, **{key_item(key): value for key, value in self.pairs}}

    def __str__(self) -> str:
        return f"put_many of {len(self.pairs)}"


@dataclass(frozen=True)
class Sync(Still):
    """Make all that was acknowledged durable."""

    syncs = True

    def run(self, session: Session) -> None:
        session.store.sync()

    def __str__(self) -> str:
        return "sync"


@dataclass(frozen=True)
class Fail(Still):
    """Let the disk fail from now on (see `SimDisk.fail`)."""

    kind: FaultKind
    path: str = "*"
    skip: int = 0
    times: int | None = 1

    def run(self, session: Session) -> None:
        session.disk.fail(self.kind, self.path, skip=self.skip, times=self.times)

    def __str__(self) -> str:
        return f"from now on: {self.kind} of {self.path}"


@dataclass(frozen=True)
class Workload:
    """A named list of steps."""

    name: str
    steps: tuple[Step, ...]

    def __repr__(self) -> str:
        return f"<Workload {self.name}, {len(self.steps)} steps>"

    @property
    def on_objects(self) -> bool:
        """Whether any step needs the object store."""
        return any(step.on_objects for step in self.steps)


def workload(name: str, steps: Sequence[Step]) -> Workload:
    """A workload of these steps, after the opening of the store."""
    return Workload(name, (Open(), *steps))
