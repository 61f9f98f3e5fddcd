"""Flip the bits of a store at rest: all damage must be reported.

A power cut leaves what was synced alone; time does not. A workload runs, the store is closed
cleanly, and then one bit of one byte of its files is inverted and the store opened again. What was
lost may be lost, but the engine has to say so: refuse to open, name the damage in
`Recovery.damage`, or raise when the content is read. The worst is a wrong answer that looks like a
right one (Bairavasundaram et al., "An Analysis of Data Corruption in the Storage Stack", FAST 2008,
for how often disks do this).
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from veristack_lab.errors import InvalidInput, StoreError
from veristack_lab.runtime.progress import OnProgress, silent
from veristack_lab.sim.disk.content import Content
from veristack_lab.sim.disk.inode import FileState
from veristack_lab.sim.disk.simdisk import SimDisk
from veristack_lab.sim.store.engine import HEALTHY, Engine
from veristack_lab.sim.store.probe import describe_difference
from veristack_lab.sim.store.session import Session, State
from veristack_lab.sim.store.steps import Workload
from veristack_lab.sim.store.workloads import named

if TYPE_CHECKING:
    import pandas as pd

ROT_PROMISES = {
    "damage-told": "Damage is told: no wrong or missing answer looks like a right one.",
    "damage-refused-cleanly": "Damage is met with an error of the lab, never with another.",
}
"""Every promise of `rot_sweep` by its stable name."""

_TICK_EVERY = 64


@dataclass(frozen=True)
class RotRow:
    """What one inverted bit led to."""

    workload: str
    seed: int
    file: str
    """Its name."""
    offset: int
    bit: int
    outcome: str
    """"same": all is there; "told": something is lost and the engine says so; "untold"."""
    told: str
    """What the engine said."""
    promise: str
    violation: str


def rot_sweep(
    workload: Workload | str,
    *,
    exhaustive: bool = False,
    samples: int | None = None,
    seed: int = 0,
    engine: Engine = HEALTHY,
    stop_at_first: bool = False,
    on_progress: OnProgress | None = None,
) -> pd.DataFrame:
    """Invert one bit at a time of a store at rest, and open it.

    Args:
        workload: what to run before, or its name.
        exhaustive: a bit of every byte of every file; otherwise `samples` bytes (300).
        samples: number of bytes, chosen by the seed.
        seed: decides the bytes and bits.
        engine: what is put to the test.
        stop_at_first: end with the first violation.
        on_progress: called every few bytes.

    Returns:
        One row an inverted bit, as `RotRow` describes it; `attrs` holds seed, parameters and
        `counts`.

    Raises:
        InvalidInput: numbers that make no sense.
    """
    if samples is not None and (exhaustive or samples < 1):
        raise InvalidInput(f"samples={samples}: give a number from 1, or exhaustive=True alone")
    chosen = named(workload) if isinstance(workload, str) else workload
    disk, wanted = at_rest(chosen, engine, seed)
    places = list(_places(disk, None if exhaustive else samples or 300, seed))
    tick, rows = on_progress or silent, []
    for done, (path, inode, offset, bit) in enumerate(places, 1):
        told, violation, promise = _examine(
            _flipped(disk, inode, offset, bit), chosen, engine, wanted
        )
        outcome = "untold" if violation else "told" if told else "same"
        name = PurePosixPath(path).name
        rows.append(RotRow(chosen.name, seed, name, offset, bit, outcome, told, promise, violation))
        if done % _TICK_EVERY == 0 or done == len(places):
            tick(done, len(places))
        if violation and stop_at_first:
            break
    return _frame(rows, chosen, seed, samples, exhaustive)


def at_rest(workload: Workload, engine: Engine, seed: int) -> tuple[SimDisk, State]:
    """The disk after a workload whose store was closed cleanly, and what is in it."""
    disk = SimDisk(seed)
    session = Session(engine, disk, workload.on_objects)
    state: State = {}
    for step in workload.steps:
        step.run(session)
        state = step.model(state)
    session.store.close()
    return disk, state


def _places(disk: SimDisk, samples: int | None, seed: int) -> Iterator[tuple[str, int, int, int]]:
    """Path, inode, offset and bit of what is inverted, in the order of the files."""
    rng = random.Random(f"rot/{seed}")
    bytes_of = [
        (path, inode, offset)
        for path, inode in disk.paths().items()
        if inode in disk.files
        for offset in range(len(disk.files[inode].cached))
    ]
    if samples is not None and samples < len(bytes_of):
        bytes_of = [bytes_of[at] for at in sorted(rng.sample(range(len(bytes_of)), samples))]
    for path, inode, offset in bytes_of:
        yield path, inode, offset, rng.randrange(8)


def _flipped(disk: SimDisk, inode: int, offset: int, bit: int) -> SimDisk:
    copy = disk.after_kill()
    content = bytearray(bytes(copy.files[inode].cached))
    content[offset] ^= 1 << bit
    copy.files[inode] = FileState.at_rest(Content(bytes(content)))
    return copy


def _examine(
    disk: SimDisk, workload: Workload, engine: Engine, wanted: State
) -> tuple[str, str, str]:
    """What the engine said, what is wrong with it, and the promise that this breaks."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # `Recovery.damage` says the same
            session = Session(engine, disk, workload.on_objects, life=1)
            found = session.observe()
    except StoreError as error:
        return f"{type(error).__name__}: {error}", "", ""
    except Exception as error:  # noqa: BLE001 a broken engine may raise anything: a finding
        told = f"{type(error).__name__}: {error}"
        return told, f"an error that is not one of the lab's: {told}", "damage-refused-cleanly"
    told = "; ".join(map(str, session.store.stats().recovery.damage))
    if found == wanted or told:
        return told, "", ""
    return "", f"nothing is reported, and {describe_difference(wanted, found)}", "damage-told"


def _frame(
    rows: list[RotRow], workload: Workload, seed: int, samples: int | None, exhaustive: bool
) -> pd.DataFrame:
    import pandas as pd

    columns = [field.name for field in fields(RotRow)]
    frame = pd.DataFrame([astuple(row) for row in rows], columns=columns)
    outcomes = [row.outcome for row in rows]
    frame.attrs = {
        "workload": workload.name,
        "seed": seed,
        "samples": samples,
        "exhaustive": exhaustive,
        "counts": {
            "images": len(rows),
            **{name: outcomes.count(name) for name in ("same", "told", "untold")},
            "violations": outcomes.count("untold"),
        },
    }
    return frame
