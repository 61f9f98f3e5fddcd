"""Workloads in which exhibits of the object store show themselves, and the step they need."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from veristack_lab.sim.store.object_steps import CreateBucket, OnObjects, PutObject
from veristack_lab.sim.store.session import Session, State
from veristack_lab.sim.store.steps import (
    Step,
    Workload,
    workload,
)

BUCKET = "bucket"


@dataclass(frozen=True)
class PutWhileCollecting(OnObjects):
    """An object arrives in pieces, and garbage is collected between two of them."""

    key: str
    pieces: tuple[bytes, ...]

    def run(self, session: Session) -> None:
        """Put, with a collection after each piece."""

        def arriving() -> Iterator[bytes]:
            for piece in self.pieces:
                yield piece
                session.objects.collect_garbage()

        session.objects.put(BUCKET, self.key, arriving())

    def model(self, state: State) -> State:
        """The object is there."""
        return {**state, ("object", BUCKET, self.key): b"".join(self.pieces)}

    def __str__(self) -> str:
        return f"put object {self.key} in {len(self.pieces)} pieces while garbage is collected"


def library() -> Workload:
    """Objects of one content file each, put, replaced, and put again."""
    rng = random.Random("library")
    return workload(
        "library",
        [
            CreateBucket(BUCKET),
            PutObject(BUCKET, "atlas", rng.randbytes(2600)),
            PutObject(BUCKET, "novel", rng.randbytes(1500)),
            PutObject(BUCKET, "atlas", rng.randbytes(1800)),
        ],
    )


def colliding_names() -> Workload:
    """Names that are one name when joined by a colon."""
    return workload(
        "colliding_names",
        [
            CreateBucket("a"),
            CreateBucket("a:b"),
            PutObject("a", "b:k", b"of bucket a"),
            PutObject("a:b", "k", b"of bucket a:b"),
        ],
    )


def alphabet() -> Workload:
    """Keys put in another order than they should be listed in."""
    steps: list[Step] = [CreateBucket(BUCKET)]
    steps += [PutObject(BUCKET, name, name.encode()) for name in ("m", "é", "a", "Z", "a/b", "z")]
    return workload("alphabet", steps)


def busy_collector() -> Workload:
    """Garbage is collected while an object arrives."""
    rng = random.Random("busy collector")
    pieces = (rng.randbytes(1024 * 1024), b"the end")
    return workload("busy_collector", [CreateBucket(BUCKET), PutWhileCollecting("film", pieces)])
