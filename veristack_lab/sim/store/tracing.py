"""One image of a sweep, made again and explained in full: what was where, what is left, what
breaks.

frame = sim.crash_sweep("puts", exhaustive=True)
trace = sim.explain(frame.iloc[40])
trace.to_json()     # plain lists, dicts, numbers and texts
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from inspect import getdoc

from veristack_lab.sim.disk.content import Content
from veristack_lab.sim.disk.crash import POLICIES
from veristack_lab.sim.disk.file_images import FileImages
from veristack_lab.sim.disk.images import Image, Images
from veristack_lab.sim.disk.inode import SECTOR_BYTES
from veristack_lab.sim.disk.simdisk import SimDisk
from veristack_lab.sim.store.engine import HEALTHY, Engine
from veristack_lab.sim.store.oracle import PROMISES, Case, make_case
from veristack_lab.sim.store.power_cuts import Row, make_row
from veristack_lab.sim.store.probe import Prober
from veristack_lab.sim.store.recording import Recording, record
from veristack_lab.sim.store.steps import Workload
from veristack_lab.sim.store.workloads import named

_HEAD_BYTES = 16


@dataclass(frozen=True)
class Sector:
    """512 bytes of a file."""

    before: str
    """As the power fails: "durable", "cached" (written, not synced) or "absent"."""
    after: str
    """After it: "durable" (no unsynced change touched it), "kept" (as it was cached), "lost" (as
    before the unsynced changes), "zeros", "garbage", "stale", "torn", or "absent"."""
    head: str
    """Its first 16 bytes after the cut, in hexadecimal."""


@dataclass(frozen=True)
class FileTrace:
    """One file before and after the power cut."""

    path: str
    exists_before: bool
    exists_after: bool
    cached_bytes: int
    """Length as the power fails; 0 if the file does not exist."""
    durable_bytes: int
    """Length at the last sync."""
    left_bytes: int
    """Length after the cut."""
    sectors: tuple[Sector, ...]


@dataclass(frozen=True)
class OperationTrace:
    """One disk operation of the run."""

    index: int
    kind: str
    path: str
    text: str
    step: int
    """Number of the workload's step that did it."""


@dataclass(frozen=True)
class StepTrace:
    """One step of the workload."""

    label: str
    begins: int
    """Disk operations before it."""
    ends: int
    """Disk operations when it returned."""
    state: str
    """At the crash point: "acknowledged", "under way" or "to come"; "failed" if it raised."""


@dataclass(frozen=True)
class Trace:
    """All about one image. `to_json` gives it in plain types."""

    row: Row
    policy_text: str
    """What kind of loss it is, in words."""
    promise_text: str
    """The broken promise, in words; empty if none."""
    operations: tuple[OperationTrace, ...]
    """The whole run; those below `row.crash_point` had happened."""
    steps: tuple[StepTrace, ...]
    files: tuple[FileTrace, ...]
    found: dict[str, str]
    """What recovery returned: items of the state and their values, briefly."""
    missing: dict[str, str]
    """Acknowledged items that recovery did not return, or not as they were."""
    error: str
    """Why recovery failed; empty if it did not."""

    def __repr__(self) -> str:
        verdict = self.row.promise or "all promises kept"
        return (
            f"<Trace {self.row.workload} at {self.row.crash_point}, {self.row.policy}: {verdict}>"
        )

    def to_json(self) -> dict[str, object]:
        """Plain dicts, lists, numbers and texts, in the layout of this class."""
        return asdict(self)


def explain(
    row: Mapping[str, object] | Row,
    *,
    workload: Workload | None = None,
    engine: Engine = HEALTHY,
    recording: Recording | None = None,
) -> Trace:
    """Make one image again and explain it.

    Args:
        row: a row of `crash_sweep`'s frame, or any mapping with `workload`, `crash_point`,
            `seed`, and either `choice` or `policy` and `image_seed`.
        workload: needed if the row's workload is not one of `sim.workloads`.
        engine: the engine of the sweep.
        recording: the workload's recording, if it exists already: saves running it.

    Raises:
        InvalidInput: there is no such workload or policy.
    """
    facts = asdict(row) if isinstance(row, Row) else dict(row)
    if recording is None:
        chosen = workload or named(str(facts["workload"]))
        recording = record(chosen, engine, int(str(facts.get("seed", 0))))
    point = int(str(facts["crash_point"]))
    disk = recording.disk_at(point)
    images = disk.images()
    choice = facts.get("choice")
    seed = int(str(facts.get("image_seed", 0)))
    if choice is None:
        choice = disk.choose(str(facts["policy"]), seed)
    image = Image(str(choice), images.policy_of(str(choice)), seed)
    cut = disk.image(image.choice)
    prober = Prober(engine, with_objects=recording.workload.on_objects)
    case = make_case(recording, point, prober, disk, cut)
    return _trace(case, make_row(case, image, int(str(facts.get("image", 0)))), disk, cut, images)


def _trace(case: Case, row: Row, disk: SimDisk, cut: SimDisk, images: Images) -> Trace:
    promise = PROMISES.get(row.promise)
    found = case.found.first.state
    wanted = case.settled
    return Trace(
        row=row,
        policy_text=POLICIES[row.policy],
        promise_text=(getdoc(promise) or "") if promise is not None else "",
        operations=_operations(case.recording),
        steps=_steps(case.recording, case.crash_point),
        files=tuple(_files(disk, cut, images, row.choice)),
        found={" ".join(item): _brief(value) for item, value in sorted(found.items())},
        missing={
            " ".join(item): _brief(value)
            for item, value in sorted(wanted.items())
            if found.get(item) != value
        },
        error=case.found.first.error,
    )


def _operations(recording: Recording) -> tuple[OperationTrace, ...]:
    ends = [step.ends for step in recording.steps]
    step, found = 0, []
    for operation in recording.operations:
        while step < len(ends) - 1 and operation.index >= ends[step]:
            step += 1
        text = str(operation)
        found.append(OperationTrace(operation.index, operation.kind, operation.path, text, step))
    return tuple(found)


def _steps(recording: Recording, point: int) -> tuple[StepTrace, ...]:
    def state(number: int) -> str:
        step = recording.steps[number]
        if number < recording.acknowledged(point):
            return "failed" if step.error else "acknowledged"
        is_next = number == recording.acknowledged(point)
        return "under way" if is_next and recording.has_begun(point) else "to come"

    return tuple(
        StepTrace(step.label, step.begins, step.ends, state(number))
        for number, step in enumerate(recording.steps)
    )


def _files(disk: SimDisk, cut: SimDisk, images: Images, choice: str) -> list[FileTrace]:
    """Every file that is there before or after the cut."""
    before, after = disk.paths(), cut.paths()
    chosen = {int(text.partition("=")[0]): text.partition("=")[2] for text in choice.split()}
    found = []
    for path in sorted(before.keys() | after.keys()):
        inode = before.get(path) or after[path]
        if inode not in disk.files:
            continue
        state = disk.files[inode]
        left = cut.files[after[path]].durable if path in after else None
        part = images.files.get(inode)
        sectors = _sectors(state.cached, left, part, chosen.get(inode, ""))
        found.append(
            FileTrace(
                path=path,
                exists_before=path in before,
                exists_after=path in after,
                cached_bytes=len(state.cached) if path in before else 0,
                durable_bytes=len(state.durable),
                left_bytes=len(left or b""),
                sectors=tuple(sectors),
            )
        )
    return found


def _sectors(
    cached: Content, left: Content | None, part: FileImages | None, choice: str
) -> list[Sector]:
    found = []
    touched = part.touched if part is not None else frozenset()
    for start in range(0, max(len(cached), len(left or b"")), SECTOR_BYTES):
        number = start // SECTOR_BYTES
        was = cached[start : start + SECTOR_BYTES]
        now = (left or b"")[start : start + SECTOR_BYTES]
        before = "absent" if not was else "cached" if number in touched else "durable"
        after = _fate(was, now, is_touched=number in touched, choice=choice)
        if part is not None and after == "filled" and not part.is_fresh(number):
            after = "lost"
        after = _FILLED[choice[-1]] if after == "filled" else after
        found.append(Sector(before, after, now[:_HEAD_BYTES].hex()))
    return found


_FILLED = {"z": "zeros", "g": "garbage", "s": "stale"}


def _fate(was: bytes, now: bytes, *, is_touched: bool, choice: str) -> str:
    if not now:
        return "absent"
    if not is_touched:
        return "durable"
    if now == was:
        return "kept"
    return "torn" if choice[:1] in "tT" else "filled"


def _brief(value: bytes) -> str:
    return repr(value)[1:] if len(value) <= 24 else f"{value[:12]!r}"[1:] + f"… {len(value)} bytes"
