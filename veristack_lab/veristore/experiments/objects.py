"""Experiments on the object store: the commit point, found by cutting, and races, made to happen.

Public names are in `experiments` too. The disk of the cuts is simulated and handed in, so that
the same call gives the same frame.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Protocol, Self

import pandas as pd

from veristack_lab.errors import InvalidInput, ObjectNotFound, PreconditionFailed, StoreError
from veristack_lab.runtime.progress import OnProgress, silent
from veristack_lab.veristore.disk import Disk
from veristack_lab.veristore.experiments.threads import run_threads
from veristack_lab.veristore.kv import open_store
from veristack_lab.veristore.objects.store import ObjectStore

OLD, NEW = b"the old content. " * 150, b"THE NEW, LONGER CONTENT! " * 170
CUTS = ("lost", "any", "kept")
_CHUNK_BYTES = 1024
_FOLDER = Path("/store")
_BUCKET, _KEY = "models", "weights"


class ReplayableDisk(Disk, Protocol):
    """A simulated disk with a log of its operations; `veristack_lab.sim.SimDisk` is one."""

    @property
    def operations(self) -> Sequence[object]:
        """What was done to it, in order."""

    def apply(self, operation: object, /) -> None:
        """Do an operation of another such disk."""

    def crash(self, policy: str = "any", seed: int = 0) -> Self:
        """The disk as a power cut may leave it."""


@dataclass(frozen=True)
class Act:
    """One operation on an object, and what may be found before and after it."""

    prepare: Callable[[ObjectStore], None]
    do: Callable[[ObjectStore], object]
    before: bytes | None
    after: bytes | None


def _nothing(objects: ObjectStore) -> None:
    objects.create_bucket(_BUCKET)


def _old(objects: ObjectStore) -> None:
    _nothing(objects)
    objects.put(_BUCKET, _KEY, OLD)


def _put_new(objects: ObjectStore) -> None:
    objects.put(_BUCKET, _KEY, NEW)


def _in_parts(objects: ObjectStore) -> None:
    """A multipart upload from beginning to end, its second part sent first."""
    upload = objects.start_upload(_BUCKET, _KEY)
    second = objects.put_part(_BUCKET, _KEY, upload, 2, NEW[2000:])
    first = objects.put_part(_BUCKET, _KEY, upload, 1, NEW[:2000])
    objects.complete_upload(_BUCKET, _KEY, upload, [(1, first.etag), (2, second.etag)])


ACTS = {
    "put": Act(_nothing, _put_new, None, NEW),
    "overwrite": Act(_old, _put_new, OLD, NEW),
    "delete": Act(_old, lambda objects: objects.delete(_BUCKET, _KEY), OLD, None),
    "overwrite in parts": Act(_old, _in_parts, OLD, NEW),
}


def commit_point(
    disk: Callable[[int], ReplayableDisk],
    *,
    act: str = "overwrite",
    cuts: Sequence[str] = CUTS,
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> pd.DataFrame:
    """Cut the power before each disk operation of one act on an object, and read the object.

    Args:
        disk: makes an empty simulated disk from a seed.
        act: one of `ACTS`. All content is in files beside the log, in chunks of 1 KiB.
        cuts: kinds of power cut, see `loss_window`.
        seed: decides the disks and the cuts.
        on_progress: called after each crash point.

    Returns:
        One row a crash point and cut: `done` (disk operations of the act before the cut),
        `operation` (the one that would have come next; "returned" after the last), `cut`,
        `found` ("old", "new", "nothing", or what is wrong), `is_legal`, `files` (content files
        that the cut left), `swept` (of them, removed when the store was opened again).

    Raises:
        InvalidInput: there is no such act.
    """
    if act not in ACTS:
        raise InvalidInput(f"there is no act {act!r}; there are {', '.join(ACTS)}")
    tick, rows, chosen = on_progress or silent, [], ACTS[act]
    operations, begins = _record(disk(seed), chosen)
    for crash_point in range(begins, len(operations) + 1):
        before = _replay(disk(seed), operations[:crash_point])
        following = [*map(_tell, operations), "returned"][crash_point]
        for cut in cuts:
            image = before.crash(cut, seed + crash_point)
            found = _look(image, chosen)
            rows.append((crash_point - begins, following, cut, *found))
        tick(crash_point - begins + 1, len(operations) + 1 - begins)
    columns = ["done", "operation", "cut", "found", "is_legal", "files", "swept"]
    frame = pd.DataFrame(rows, columns=columns)
    frame.attrs = {"seed": seed, "act": act, "cuts": list(cuts)}
    return frame


def collector_cuts(
    disk: Callable[[int], ReplayableDisk],
    *,
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> pd.DataFrame:
    """Cut the power while the collector sweeps up after a first cut, before each operation.

    The first cut falls before the commit of an overwrite, so its content is there in a file
    and nothing refers to it. Opening the store again sweeps it up, and is cut in its turn.

    Args:
        disk: makes an empty simulated disk from a seed.
        seed: decides the disks and the cuts.
        on_progress: called after each crash point.

    Returns:
        One row a crash point of the opening: `done`, `operation` (as in `commit_point`),
        `found`, `is_legal`, `files` (content files that the second cut left), `swept` (of them,
        by the opening after it), `files_after` (content files left in the end).
    """
    tick, rows, act = on_progress or silent, [], ACTS["overwrite"]
    first = _replay(disk(seed), _before_commit(disk(seed), act)).crash("kept", seed)
    start = first.crash("kept", seed)
    with open_store(_FOLDER, checkpoint_bytes=None, disk=first) as store:
        ObjectStore(store, chunk_bytes=_CHUNK_BYTES)
        operations = list(first.operations)
    for crash_point in range(len(operations) + 1):
        before = _replay(start.crash("kept", seed), operations[:crash_point])
        following = [*map(_tell, operations), "opened"][crash_point]
        image = before.crash("lost", seed)
        found, _, files, swept = _look(image, act)
        left = len(_content_files(image))
        rows.append((crash_point, following, found, found == "old", files, swept, left))
        tick(crash_point + 1, len(operations) + 1)
    columns = ["done", "operation", "found", "is_legal", "files", "swept", "files_after"]
    frame = pd.DataFrame(rows, columns=columns)
    frame.attrs = {"seed": seed}
    return frame


def _record(disk: ReplayableDisk, act: Act) -> tuple[list[object], int]:
    """All disk operations of an act's life, and how many came before the act itself."""
    numbers = count(1)
    store = open_store(_FOLDER, checkpoint_bytes=None, disk=disk)
    objects = ObjectStore(
        store,
        chunk_bytes=_CHUNK_BYTES,
        min_part_bytes=1,
        new_id=lambda: next(numbers).to_bytes(16, "big"),
    )
    act.prepare(objects)
    begins = len(disk.operations)
    act.do(objects)
    operations = list(disk.operations)
    store.close()
    return operations, begins


def _before_commit(disk: ReplayableDisk, act: Act) -> list[object]:
    """The operations up to the first of the act that touches the log: its content is durable."""
    operations, begins = _record(disk, act)
    log = next(n for n in range(begins, len(operations)) if " log-" in str(operations[n]))
    return operations[:log]


def _tell(operation: object) -> str:
    """A disk operation; content files are named by ids, which count from 1 here."""
    return re.sub(r"\b0{16,}([0-9a-f]+)\b", r"content-\1", str(operation))


def _replay(disk: ReplayableDisk, operations: Sequence[object]) -> ReplayableDisk:
    for operation in operations:
        disk.apply(operation)
    return disk


def _look(image: ReplayableDisk, act: Act) -> tuple[str, bool, int, int]:
    """What a reader finds on a disk: (found, whether that is legal, content files, swept)."""
    files = _content_files(image)
    with open_store(_FOLDER, checkpoint_bytes=None, disk=image) as store:
        objects = ObjectStore(store, chunk_bytes=_CHUNK_BYTES, min_part_bytes=1)
        swept = len(files - _content_files(image))
        content: bytes | None = None
        try:
            content = objects.get(_BUCKET, _KEY)
        except ObjectNotFound:
            pass
        except StoreError as error:
            return f"{type(error).__name__}", False, len(files), swept
    names = {None: "nothing", OLD: "old", NEW: "new"}
    found = names.get(content, "a mixture")
    return found, content in (act.before, act.after), len(files), swept


def _content_files(disk: Disk) -> set[str]:
    folder = _FOLDER / "blobs"
    return set(disk.listdir(folder)) if disk.exists(folder) else set()


LOOK_THEN_PUT, IF_NONE_MATCH = "look, then put", "If-None-Match: *"


def creation_race(
    path: Path,
    *,
    writers: int = 8,
    rounds: int = 10,
    on_progress: OnProgress | None = None,
) -> pd.DataFrame:
    """Many writers try to create the same object: how many are told that they succeeded?

    One way is to check whether it exists and to put it if not; all check before any writer puts,
    which is the worst case. The other is one conditional put.

    Args:
        path: a folder to work in.
        writers: threads in each round.
        rounds: how often, each time for a new key.
        on_progress: called after each round.

    Returns:
        One row a round and way: `round`, `way`, `told_ok` (writers that were told that they created
            it), `overwritten` (those of them whose content is lost).
    """
    tick, rows = on_progress or silent, []
    with open_store(path) as store:
        objects = ObjectStore(store)
        objects.create_bucket(_BUCKET)
        for number in range(1, rounds + 1):
            for way in (LOOK_THEN_PUT, IF_NONE_MATCH):
                told_ok = _race(objects, f"{way} {number}", writers, way)
                left = objects.get(_BUCKET, f"{way} {number}")
                overwritten = sum(content != left for content in told_ok)
                rows.append((number, way, len(told_ok), overwritten))
            tick(number, rounds)
    frame = pd.DataFrame(rows, columns=["round", "way", "told_ok", "overwritten"])
    frame.attrs = {"writers": writers, "rounds": rounds, "seed": None}
    return frame


def _race(objects: ObjectStore, key: str, writers: int, way: str) -> list[bytes]:
    """Contents of the writers that were told that they created the object."""
    told_ok: list[bytes] = []
    all_looked = threading.Barrier(writers)

    def create(writer: int) -> None:
        content = b"by writer %d" % writer
        if way == LOOK_THEN_PUT:
            absent = False
            try:
                objects.head(_BUCKET, key)
            except ObjectNotFound:
                absent = True
            all_looked.wait()
            if absent:
                objects.put(_BUCKET, key, content)
                told_ok.append(content)
        else:
            with suppress(PreconditionFailed):
                objects.put(_BUCKET, key, content, if_none_match=True)
                told_ok.append(content)

    run_threads(create, writers)
    return told_ok


def interrupted_put(objects: ObjectStore, bucket: str, key: str, pieces: Sequence[bytes]) -> int:
    """Put an object whose content comes piece by piece; run the collector between any two pieces.

    Args:
        objects: the store.
        bucket, key: the target.
        pieces: the content.

    Returns:
        How many content files all these collections removed.
    """
    removed = 0

    def arriving() -> Iterator[bytes]:
        nonlocal removed
        for piece in pieces:
            yield piece
            removed += objects.collect_garbage()

    objects.put(bucket, key, arriving())
    return removed
