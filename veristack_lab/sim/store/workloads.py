"""Named workloads. Each depends only on its seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from veristack_lab.errors import InvalidInput
from veristack_lab.sim.store.object_steps import (
    AbortUpload,
    CollectGarbage,
    CompleteUpload,
    CopyObject,
    CreateBucket,
    DeleteBucket,
    DeleteObject,
    PutObject,
    PutPart,
    StartUpload,
)
from veristack_lab.sim.store.steps import (
    Checkpoint,
    Delete,
    Fail,
    Put,
    PutMany,
    Reopen,
    Step,
    Sync,
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
    """Objects in the log and in files of their own: put, replaced, copied, deleted, collected."""
    rng = random.Random("objects")
    return workload(
        "objects",
        [
            CreateBucket(_BUCKET),
            PutObject(_BUCKET, "small", rng.randbytes(100)),
            PutObject(_BUCKET, "large", rng.randbytes(2600)),
            Put(b"key", b"value"),
            PutObject(_BUCKET, "large", rng.randbytes(1500)),
            CopyObject(_BUCKET, "large", "copy"),
            CollectGarbage(),
            DeleteObject(_BUCKET, "large"),
            PutObject(_BUCKET, "small", rng.randbytes(1100)),
            CopyObject(_BUCKET, "small", "copy"),
            CollectGarbage(),
            DeleteObject(_BUCKET, "small"),
            DeleteObject(_BUCKET, "copy"),
            DeleteBucket(_BUCKET),
        ],
    )


def multipart() -> Workload:
    """Uploads in parts: out of order, a part again, completed, given up."""
    rng = random.Random("multipart")
    first, second, last = rng.randbytes(1100), rng.randbytes(1300), rng.randbytes(40)
    return workload(
        "multipart",
        [
            CreateBucket(_BUCKET),
            StartUpload(_BUCKET, "whole"),
            PutPart(_BUCKET, "whole", 2, second),
            PutPart(_BUCKET, "whole", 1, rng.randbytes(1200)),
            PutPart(_BUCKET, "whole", 1, first),
            PutPart(_BUCKET, "whole", 9, rng.randbytes(1024)),
            StartUpload(_BUCKET, "given up"),
            PutPart(_BUCKET, "given up", 1, rng.randbytes(1500)),
            PutPart(_BUCKET, "whole", 3, last),
            CollectGarbage(),
            CompleteUpload(_BUCKET, "whole", (1, 2, 3), first + second + last),
            AbortUpload(_BUCKET, "given up"),
            PutObject(_BUCKET, "whole", b"replaced"),
            CollectGarbage(),
        ],
    )


def failing_syncs() -> Workload:
    """A sync fails, the store stops, it is opened again and goes on: "fsyncgate", 2018."""
    steps: list[Step] = [Put(b"k%d" % number, b"%d" % number * 300) for number in range(3)]
    steps += [Fail("sync-error", "log-*"), Put(b"k1", b"doubtful" * 40), Put(b"k2", b"refused")]
    steps += [Reopen(), Put(b"k3", b"after" * 100), Delete(b"k0")]
    return workload("failing_syncs", steps)


def full_disk() -> Workload:
    """The disk is full half way through a write; then there is room again."""
    steps: list[Step] = [Put(b"k%d" % number, b"%d" % number * 300) for number in range(3)]
    steps += [Fail("no-space", "log-*"), Put(b"k1", b"no room" * 90), Put(b"k2", b"refused")]
    steps += [Reopen(), Put(b"k3", b"after" * 100), Checkpoint(), Delete(b"k0")]
    return workload("full_disk", steps)


def lazy() -> Workload:
    """Puts with few syncs between, for engines of lower durability."""
    steps: list[Step] = []
    for number in range(12):
        steps.append(Put(b"k%d" % (number % 5), b"%d" % number * 70))
        if number in (4, 8):
            steps.append(Sync())
    return workload("lazy", [*steps, Checkpoint(), Delete(b"k1"), Put(b"k2", b"last")])


def two_hundred(seed: int = 0) -> Workload:
    """Two hundred steps of every kind: what the exhaustive sweep is about."""
    rng = random.Random(f"two hundred/{seed}")
    makers: tuple[tuple[int, Callable[[random.Random], Sequence[Step]]], ...] = (
        (74, _any_put),
        (20, lambda rng: [Delete(_key(rng))]),
        (22, _any_batch),
        (8, _any_put_many),
        (6, lambda _: [Checkpoint()]),
        (3, lambda _: [Reopen()]),
        (24, _any_object),
        (8, lambda rng: [DeleteObject(_BUCKET, _object_key(rng))]),
        (4, _any_upload),
        (6, lambda _: [CollectGarbage()]),
    )
    kinds = [maker for count, maker in makers for _ in range(count)]
    rng.shuffle(kinds)
    steps: list[Step] = [CreateBucket(_BUCKET)]
    for maker in kinds:
        steps += maker(rng)
    steps = _with_copies(steps, rng)
    while len(steps) < 200:
        steps += _any_put(rng)
    return workload("two_hundred", steps[:200])


def _key(rng: random.Random) -> bytes:
    return b"key-%02d" % rng.randrange(16)


def _value(rng: random.Random) -> bytes:
    return rng.randbytes(1) * rng.choice((0, 3, 20, 40, 60, 120, 400))


def _any_put(rng: random.Random) -> list[Step]:
    return [Put(_key(rng), _value(rng))]


def _some_keys(rng: random.Random) -> list[bytes]:
    return sorted({_key(rng) for _ in range(4)})


def _any_batch(rng: random.Random) -> list[Step]:
    keys = _some_keys(rng)
    return [Write(tuple((key, _value(rng) if rng.random() < 0.7 else None) for key in keys))]


def _any_put_many(rng: random.Random) -> list[Step]:
    return [PutMany(tuple((key, _value(rng)) for key in _some_keys(rng)))]


def _object_key(rng: random.Random) -> str:
    return f"object-{rng.randrange(4)}"


def _any_object(rng: random.Random) -> list[Step]:
    return [PutObject(_BUCKET, _object_key(rng), rng.randbytes(rng.choice((10, 300, 1500))))]


def _any_upload(rng: random.Random) -> list[Step]:
    key = _object_key(rng)
    first, second = rng.randbytes(1100), rng.randbytes(100)
    steps: list[Step] = [
        StartUpload(_BUCKET, key),
        PutPart(_BUCKET, key, 2, second),
        PutPart(_BUCKET, key, 1, first),
    ]
    if rng.random() < 0.7:
        return [*steps, CompleteUpload(_BUCKET, key, (1, 2), first + second)]
    return [*steps, AbortUpload(_BUCKET, key)]


def _with_copies(steps: Sequence[Step], rng: random.Random) -> list[Step]:
    """After some puts of an object, copy it: a copy needs an existing source."""
    found: list[Step] = []
    for step in steps:
        found.append(step)
        if isinstance(step, PutObject) and rng.random() < 0.2:
            found.append(CopyObject(_BUCKET, step.key, _object_key(rng)))
    return found


WORKLOADS: dict[str, Callable[[], Workload]] = {
    "puts": puts,
    "batches": batches,
    "checkpoints": checkpoints,
    "objects": objects,
    "multipart": multipart,
    "failing_syncs": failing_syncs,
    "full_disk": full_disk,
    "lazy": lazy,
    "two_hundred": two_hundred,
}


def named(name: str) -> Workload:
    """The workload of a name.

    Raises:
        InvalidInput: there is no such workload.
    """
    if name not in WORKLOADS:
        raise InvalidInput(f"there is no workload {name!r}; there are {', '.join(WORKLOADS)}")
    return WORKLOADS[name]()
