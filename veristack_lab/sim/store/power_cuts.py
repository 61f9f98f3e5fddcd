"""Cut the power everywhere: every crash point of a workload, every image up to a bound.

The workload runs once; each crash point is then a prefix of its operations, and each image is
opened, judged and written into one row. Points are handed out in small runs to any
`concurrent.futures.Executor`; the frame does not depend on the executor.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import asdict, astuple, dataclass, fields
from typing import TYPE_CHECKING

from veristack_lab.errors import InvalidInput
from veristack_lab.runtime.progress import OnProgress, silent
from veristack_lab.sim.disk.crash import POLICIES, policies_of
from veristack_lab.sim.disk.images import Image, Images
from veristack_lab.sim.store.engine import HEALTHY, Engine
from veristack_lab.sim.store.oracle import Case, judge, make_case
from veristack_lab.sim.store.probe import Prober
from veristack_lab.sim.store.recording import Recording, record
from veristack_lab.sim.store.steps import Workload
from veristack_lab.sim.store.workloads import named

if TYPE_CHECKING:
    import pandas as pd

    from veristack_lab.sim.disk.simdisk import SimDisk

DEFAULT_LIMIT = 4096
"""Legal images of one crash point that an exhaustive sweep opens at most: enough for all of
them nearly everywhere. The first write of a segment, which reserves room, may have more."""
DEFAULT_SAMPLES = 300
_POINTS_A_TASK = 4


@dataclass(frozen=True)
class Row:
    """What was found in one image."""

    workload: str
    seed: int
    """Seed of the disk's garbage."""
    crash_point: int
    operation: str
    """The disk operation that would have come next."""
    policy: str
    image: int
    """Number among the images of its crash point."""
    image_seed: int
    choice: str
    """Names the image: `SimDisk.image(choice)` at this crash point makes it again."""
    acknowledged: int
    """Steps that had returned."""
    in_flight: str
    """The step under way; empty when none had begun to change the disk."""
    acknowledged_lsn: int
    recovered_lsn: int
    state_index: int
    """After how many steps the history had the state that was found; -1: never."""
    torn_bytes: int
    recovered_twice_same: bool
    crash_during_recovery_points: int
    promise: str
    violation: str


@dataclass
class Tally:
    """What a run of crash points covered."""

    crash_points: int = 0
    exhaustive_points: int = 0
    """Crash points at which every legal choice of names, lengths and sectors was opened."""
    legal_images: int = 0
    """Legal choices of names, lengths and sectors, over all points."""
    torn_images: int = 0
    """Further images: the write under way torn at each of its bytes."""
    images: int = 0
    """Distinct images opened."""
    same_images: int = 0
    """Choices that gave the same bytes as an earlier one of their crash point."""
    recoveries: int = 0
    """Times that something was opened: images, second recoveries, cut recoveries."""

    def add(self, other: Tally) -> None:
        """Count what another run covered."""
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))


@dataclass(frozen=True)
class Task:
    """Some crash points, swept by any worker."""

    recording: Recording
    engine: Engine
    points: tuple[tuple[int, tuple[int, ...]], ...]
    """The crash points, each with the seeds of its samples; without seeds: all images."""
    limit: int
    byte_cuts: int | None
    stop_at_first: bool


def crash_sweep(
    workload: Workload | str,
    *,
    exhaustive: bool = False,
    samples: int | None = None,
    seed: int = 0,
    engine: Engine = HEALTHY,
    executor: Executor | None = None,
    stop_at_first: bool = False,
    on_progress: OnProgress | None = None,
    limit: int = DEFAULT_LIMIT,
    byte_cuts: int | None = 4,
) -> pd.DataFrame:
    """Cut the power at the crash points of a workload and judge what recovery finds.

    Args:
        workload: what to run, or its name.
        exhaustive: every crash point, and of each every legal image up to `limit` (beyond it the
            extremes and a sample).
        samples: otherwise this many images, spread evenly over the crash points.
        seed: decides garbage and samples.
        engine: what is put to the test.
        executor: does the work; None: this thread. An executor of processes needs an engine
            that can be pickled.
        stop_at_first: end with the first violation, in the order of the frame.
        on_progress: called after every few crash points.
        limit: see `exhaustive`.
        byte_cuts: number of byte positions at which each write is torn; None means all.

    Returns:
        One row an image, as `Row` describes it, in the order of crash points; `attrs` holds
        seed, parameters, `counts` and `coverage`.

    Raises:
        InvalidInput: numbers that make no sense.
    """
    if limit < 1 or (samples is not None and samples < 1):
        raise InvalidInput(f"limit={limit}, samples={samples}: both must be at least 1")
    if exhaustive and samples is not None:
        raise InvalidInput("give exhaustive=True or samples, not both")
    recording = record(named(workload) if isinstance(workload, str) else workload, engine, seed)
    wanted = None if exhaustive else samples or DEFAULT_SAMPLES
    tasks = [
        Task(recording, engine, points, limit, byte_cuts, stop_at_first)
        for points in _share_out(len(recording.operations), wanted, seed)
    ]
    rows: list[Row] = []
    tally = Tally()
    for found, covered in _run(tasks, executor, on_progress or silent):
        rows += found
        tally.add(covered)
        if stop_at_first and any(row.violation for row in found):
            break
    return _frame(rows, tally, recording, wanted, limit, byte_cuts)


def _share_out(
    operations: int, samples: int | None, seed: int
) -> Iterator[tuple[tuple[int, tuple[int, ...]], ...]]:
    """Crash points in runs, each with the seeds of its samples."""
    points: list[tuple[int, tuple[int, ...]]] = [(point, ()) for point in range(operations + 1)]
    if samples is not None:
        rng = random.Random(f"samples/{seed}")
        seeds: dict[int, list[int]] = {}
        while samples > 0:
            chosen = rng.sample(range(operations + 1), min(samples, operations + 1))
            samples -= len(chosen)
            for point in chosen:
                seeds.setdefault(point, []).append(rng.randrange(1 << 30))
        points = [(point, tuple(found)) for point, found in sorted(seeds.items())]
    for first in range(0, len(points), _POINTS_A_TASK):
        yield tuple(points[first : first + _POINTS_A_TASK])


def _run(
    tasks: Sequence[Task], executor: Executor | None, tick: OnProgress
) -> Iterator[tuple[list[Row], Tally]]:
    """The results of the tasks, in their order."""
    if executor is None:
        for done, task in enumerate(tasks, 1):
            yield sweep_points(task)
            tick(done, len(tasks))
        return
    futures: list[Future[tuple[list[Row], Tally]]] = []
    try:
        futures += [executor.submit(sweep_points, task) for task in tasks]
        for done, future in enumerate(futures, 1):
            yield future.result()
            tick(done, len(tasks))
    finally:
        for future in futures:
            future.cancel()


def sweep_points(task: Task) -> tuple[list[Row], Tally]:
    """Sweep some crash points of a recording, one after the other."""
    recording = task.recording
    prober = Prober(task.engine, with_objects=recording.workload.on_objects)
    disk, reached = recording.disk_at(task.points[0][0]), task.points[0][0]
    rows: list[Row] = []
    tally = Tally()
    for point, seeds in task.points:
        for operation in recording.operations[reached:point]:
            disk.apply(operation)
        reached = point
        rows += _sweep_point(task, prober, disk, point, seeds, tally)
        if task.stop_at_first and any(row.violation for row in rows):
            break
    tally.recoveries = prober.recoveries
    return rows, tally


def _sweep_point(
    task: Task,
    prober: Prober,
    disk: SimDisk,
    point: int,
    seeds: Sequence[int],
    tally: Tally,
) -> Iterator[Row]:
    images = disk.images(task.limit, byte_cuts=task.byte_cuts)
    tally.crash_points += 1
    tally.legal_images += images.legal
    tally.torn_images += images.torn
    tally.exhaustive_points += images.is_exhaustive and not seeds
    chosen = _samples(disk, images, seeds) if seeds else images
    seen: set[bytes] = set()
    for number, image in enumerate(chosen):
        cut = disk.restore(*images.build(image.choice))
        name = cut.tree_digest()
        if name in seen:
            tally.same_images += 1
            continue
        seen.add(name)
        tally.images += 1
        case = make_case(task.recording, point, prober, disk, cut)
        yield make_row(case, image, number)
        if task.stop_at_first and judge(case)[0]:
            return


def _samples(disk: SimDisk, images: Images, seeds: Sequence[int]) -> Iterator[Image]:
    policies = policies_of(images)
    for seed in seeds:
        policy = policies[seed % len(policies)]
        choice = disk.choose(policy, seed)
        yield Image(choice, images.policy_of(choice), seed)


def make_row(case: Case, image: Image, number: int) -> Row:
    """The row of one image."""
    recording, point, found = case.recording, case.crash_point, case.found
    promise, violation = judge(case)
    following = recording.operations[point : point + 1]
    acknowledged = recording.acknowledged(point)
    return Row(
        workload=recording.workload.name,
        seed=recording.seed,
        crash_point=point,
        operation=str(following[0]) if following else "",
        policy=image.policy,
        image=number,
        image_seed=image.seed,
        choice=image.choice,
        acknowledged=acknowledged,
        in_flight=recording.steps[acknowledged].label if recording.has_begun(point) else "",
        acknowledged_lsn=case.acknowledged_lsn,
        recovered_lsn=found.first.last_lsn,
        state_index=-1 if found.first.error else recording.state_index(found.first.state, point),
        torn_bytes=found.first.torn_bytes,
        recovered_twice_same=not found.second and not found.first.error,
        crash_during_recovery_points=found.nested_points,
        promise=promise,
        violation=violation,
    )


def _frame(
    rows: Sequence[Row],
    tally: Tally,
    recording: Recording,
    samples: int | None,
    limit: int,
    byte_cuts: int | None,
) -> pd.DataFrame:
    import pandas as pd

    columns = [field.name for field in fields(Row)]
    frame = pd.DataFrame([astuple(row) for row in rows], columns=columns)
    total = len(recording.operations) + 1
    frame.attrs = {
        "workload": recording.workload.name,
        "seed": recording.seed,
        "steps": len(recording.steps),
        "exhaustive": samples is None,
        "samples": samples,
        "limit": limit,
        "byte_cuts": byte_cuts,
        "trace_hash": recording.trace_hash,
        "counts": {**asdict(tally), "violations": sum(bool(row.violation) for row in rows)},
        "coverage": {
            "crash_points": tally.crash_points / total,
            "exhaustive_points": tally.exhaustive_points / total,
            "policies": [kind for kind in POLICIES if any(row.policy == kind for row in rows)],
        },
    }
    return frame
