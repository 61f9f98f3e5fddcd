"""The steps of a workload: what is done to a store, and what it should mean.

Each step can be done (`run`) and knows what it does to a plain dictionary (`model`), so the
legal states after a crash follow from the list of steps alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from veristack_lab.sim.session import Session, State, key_item
from veristack_lab.veristore.mutations import Batch


class Step(Protocol):
    """One call on a store or object store. Atomic: no crash may leave a part of it."""

    @property
    def on_objects(self) -> bool:
        """Whether it needs the object store."""

    def run(self, session: Session) -> None:
        """Do it. Returning means acknowledged."""

    def model(self, state: State) -> State:
        """The state after it; the one given is not changed."""

    def __str__(self) -> str:
        """What is done, in a few words."""


class _OnStore:
    on_objects = False

    def model(self, state: State) -> State:
        return state


class _OnObjects(_OnStore):
    on_objects = True


@dataclass(frozen=True)
class Open(_OnStore):
    """Open the store for the first time; always the first step, done by the session itself."""

    def run(self, session: Session) -> None:
        """Nothing more: the session has opened it."""

    def __str__(self) -> str:
        return "open"


@dataclass(frozen=True)
class Put(_OnStore):
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
class Delete(_OnStore):
    """Remove a key."""

    key: bytes

    def run(self, session: Session) -> None:
        session.store.delete(self.key)

    def model(self, state: State) -> State:
        return _without(state, key_item(self.key))

    def __str__(self) -> str:
        return f"delete {self.key.decode('latin-1')}"


@dataclass(frozen=True)
class Write(_OnStore):
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
            state = _without(state, item) if value is None else {**state, item: value}
        return state

    def __str__(self) -> str:
        return f"write a batch of {len(self.changes)}"


@dataclass(frozen=True)
class Checkpoint(_OnStore):
    """Write a snapshot and drop the log before it."""

    def run(self, session: Session) -> None:
        session.store.checkpoint()

    def __str__(self) -> str:
        return "checkpoint"


@dataclass(frozen=True)
class Reopen(_OnStore):
    """Close in good order and open again."""

    def run(self, session: Session) -> None:
        session.reopen()

    def __str__(self) -> str:
        return "reopen"


@dataclass(frozen=True)
class CreateBucket(_OnObjects):
    """Make a bucket."""

    bucket: str

    def run(self, session: Session) -> None:
        session.objects.create_bucket(self.bucket)

    def model(self, state: State) -> State:
        return {**state, ("bucket", self.bucket): b""}

    def __str__(self) -> str:
        return f"create bucket {self.bucket}"


@dataclass(frozen=True)
class PutObject(_OnObjects):
    """Put an object, or put another one in its place."""

    bucket: str
    key: str
    content: bytes

    def run(self, session: Session) -> None:
        session.objects.put(self.bucket, self.key, self.content)

    def model(self, state: State) -> State:
        return {**state, ("object", self.bucket, self.key): self.content}

    def __str__(self) -> str:
        return f"put object {self.key}, {len(self.content)} bytes"


@dataclass(frozen=True)
class DeleteObject(_OnObjects):
    """Delete an object."""

    bucket: str
    key: str

    def run(self, session: Session) -> None:
        session.objects.delete(self.bucket, self.key)

    def model(self, state: State) -> State:
        return _without(state, ("object", self.bucket, self.key))

    def __str__(self) -> str:
        return f"delete object {self.key}"


@dataclass(frozen=True)
class CollectGarbage(_OnObjects):
    """Remove what no object refers to."""

    def run(self, session: Session) -> None:
        session.objects.collect_garbage()

    def __str__(self) -> str:
        return "collect garbage"


def _without(state: State, *items: tuple[str, ...]) -> State:
    return {item: value for item, value in state.items() if item not in items}


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
    """A workload of these steps, behind the opening of the store."""
    return Workload(name, (Open(), *steps))
