"""What is put to the test: how to open a store and an object store on a simulated disk."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from itertools import count
from pathlib import Path

from veristack_lab.errors import StoreDamaged
from veristack_lab.runtime.clock import Clock
from veristack_lab.sim.disk.simdisk import SimDisk
from veristack_lab.veristore.commit.durability import Durability, Interval
from veristack_lab.veristore.disk import Disk
from veristack_lab.veristore.kv import Store, open_store
from veristack_lab.veristore.objects.store import ObjectStore

STORE_PATH = Path("/sim/store")
"""Where the store lies on the simulated disk."""
SEGMENT_BYTES = 4096
"""Small, so that a few dozen writes start a new segment of the log."""
CHUNK_BYTES = 1024
"""Small, so that an object of a few sectors has a file of its own, of several chunks."""
MIN_PART_BYTES = 1024


def identity(disk: SimDisk) -> Disk:
    """The disk as it is."""
    return disk


def open_simulated(
    disk: Disk,
    clock: Clock,
    path: Path,
    *,
    store_type: type[Store] = Store,
    durability: Durability = "commit",
    recovery: str = "point-in-time",
) -> Store:
    """Open a store as the simulator needs it: small segments, no thread of its own.

    Raises:
        StoreError: as `veristore.open` does.
    """
    with warnings.catch_warnings():
        # A thousand images would warn of their damage a thousand times; `stats` keeps it.
        warnings.simplefilter("ignore", StoreDamaged)
        return _open(path, disk, clock, store_type, durability, recovery)


def _open(
    path: Path,
    disk: Disk,
    clock: Clock,
    store_type: type[Store],
    durability: Durability,
    recovery: str,
) -> Store:
    return open_store(
        path,
        durability=durability,
        recovery=recovery,
        segment_bytes=SEGMENT_BYTES,
        checkpoint_bytes=None,
        disk=disk,
        clock=clock,
        store_type=store_type,
    )


def objects_simulated(
    store: Store, *, objects_type: type[ObjectStore] = ObjectStore
) -> ObjectStore:
    """Open an object store with small chunks, whose ids follow from the clock."""
    numbers = count()
    started_ms = store.clock.now_ms()

    def new_id() -> bytes:
        return blake2b(b"%d/%d" % (started_ms, next(numbers)), digest_size=16).digest()

    return objects_type(
        store, chunk_bytes=CHUNK_BYTES, min_part_bytes=MIN_PART_BYTES, new_id=new_id
    )


@dataclass(frozen=True)
class Engine:
    """One engine under test. Module-level functions or partials of them let it be pickled,
    which an executor of processes needs.

    A museum's exhibit is an engine with one of the three replaced.
    """

    open: Callable[[Disk, Clock, Path], Store] = open_simulated
    """Opens (and recovers) a store."""
    objects: Callable[[Store], ObjectStore] = objects_simulated
    """Opens the object store on an open store."""
    disk: Callable[[SimDisk], Disk] = identity
    """The disk that the store is given: the simulated one itself, or a wrapper that omits or fails
    some operations."""
    may_lose: int | None = 0
    """How many acknowledged writes a power cut may take; None: all since the last sync."""


def engine_of(
    *,
    store_type: type[Store] = Store,
    objects_type: type[ObjectStore] = ObjectStore,
    disk: Callable[[SimDisk], Disk] = identity,
    durability: Durability = "commit",
    recovery: str = "point-in-time",
) -> Engine:
    """The real engine with another class in one place: how exhibits are made."""
    return Engine(
        open=partial(
            open_simulated, store_type=store_type, durability=durability, recovery=recovery
        ),
        objects=partial(objects_simulated, objects_type=objects_type),
        disk=disk,
        may_lose=_window(durability),
    )


def _window(durability: Durability) -> int | None:
    if isinstance(durability, Interval):
        return None if durability.writes is None else durability.writes - 1
    return 0 if durability == "commit" else None


HEALTHY = Engine()
"""The engine as it is."""
