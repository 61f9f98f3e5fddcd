"""Named workloads. All are functions of nothing but their seed."""

from __future__ import annotations

import random
from collections.abc import Callable

from veristack_lab.errors import InvalidInput
from veristack_lab.sim.steps import (
    Checkpoint,
    CollectGarbage,
    CreateBucket,
    Delete,
    DeleteObject,
    Put,
    PutObject,
    Reopen,
    Step,
    Workload,
    Write,
    workload,
)

_BUCKET = "bucket"


def puts() -> Workload:
    """Eight puts and two deletes: the log alone."""
    steps: list[Step] = [Put(b"k%d" % number, b"%d" % number * 90) for number in range(8)]
    return workload("puts", [*steps, Delete(b"k1"), Put(b"k2", b""), Delete(b"k7")])


def batches() -> Workload:
    """Atomic batches, some longer than a sector, that move an amount between two keys."""
    steps: list[Step] = []
    for number in range(6):
        left, right = b"%d" % (100 - number), b"%d" % (100 + number)
        padding = (b"note-%d" % number, b"-" * (150 * number))
        gone = (b"note-%d" % (number - 2), None)
        steps.append(Write(((b"left", left), padding, gone, (b"right", right))))
    return workload("batches", steps)


def checkpoints() -> Workload:
    """Writes, checkpoints and reopenings: segments and snapshots come and go."""
    steps: list[Step] = []
    for turn in range(3):
        steps += [Put(b"a%d" % number, b"%d" % turn * 60) for number in range(3)]
        steps += [Checkpoint(), Delete(b"a%d" % turn), Put(b"b", b"%d" % turn * 200)]
        if turn == 1:
            steps.append(Reopen())
    return workload("checkpoints", steps)


def objects() -> Workload:
    """Objects of one chunk and of several: put, replaced, deleted, collected."""
    rng = random.Random("objects")
    return workload(
        "objects",
        [
            CreateBucket(_BUCKET),
            PutObject(_BUCKET, "small", rng.randbytes(100)),
            PutObject(_BUCKET, "large", rng.randbytes(2600)),
            Put(b"key", b"value"),
            PutObject(_BUCKET, "large", rng.randbytes(1500)),
            CollectGarbage(),
            DeleteObject(_BUCKET, "large"),
            PutObject(_BUCKET, "small", rng.randbytes(1100)),
            CollectGarbage(),
        ],
    )


def two_hundred(seed: int = 0) -> Workload:
    """Two hundred steps of every kind: what the exhaustive sweep is about."""
    rng = random.Random(f"two hundred/{seed}")
    makers: tuple[tuple[int, Callable[[random.Random], Step]], ...] = (
        (90, _any_put),
        (25, lambda rng: Delete(_key(rng))),
        (30, _any_batch),
        (6, lambda _: Checkpoint()),
        (3, lambda _: Reopen()),
        (25, _any_object),
        (10, lambda rng: DeleteObject(_BUCKET, _object_key(rng))),
        (6, lambda _: CollectGarbage()),
    )
    kinds = [maker for count, maker in makers for _ in range(count)]
    rng.shuffle(kinds)
    steps: list[Step] = [CreateBucket(_BUCKET)]
    steps += [maker(rng) for maker in kinds]
    while len(steps) < 200:
        steps.append(_any_put(rng))
    return workload("two_hundred", steps)


def _key(rng: random.Random) -> bytes:
    return b"key-%02d" % rng.randrange(16)


def _value(rng: random.Random) -> bytes:
    return rng.randbytes(1) * rng.choice((0, 3, 20, 40, 60, 120, 400))


def _any_put(rng: random.Random) -> Step:
    return Put(_key(rng), _value(rng))


def _any_batch(rng: random.Random) -> Step:
    keys = sorted({_key(rng) for _ in range(4)})
    return Write(tuple((key, _value(rng) if rng.random() < 0.7 else None) for key in keys))


def _object_key(rng: random.Random) -> str:
    return f"object-{rng.randrange(4)}"


def _any_object(rng: random.Random) -> Step:
    return PutObject(_BUCKET, _object_key(rng), rng.randbytes(rng.choice((10, 300, 1500))))


WORKLOADS: dict[str, Callable[[], Workload]] = {
    "puts": puts,
    "batches": batches,
    "checkpoints": checkpoints,
    "objects": objects,
    "two_hundred": two_hundred,
}


def named(name: str) -> Workload:
    """The workload of a name.

    Raises:
        InvalidInput: there is none.
    """
    if name not in WORKLOADS:
        raise InvalidInput(f"there is no workload {name!r}; there are {', '.join(WORKLOADS)}")
    return WORKLOADS[name]()
