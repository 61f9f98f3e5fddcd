"""The load of the torture: what writer processes do until they are killed, and its model.

Threads 0 to `KEY_WRITERS` - 1 put, delete and batch keys of their own (see
`veristore.experiments.workload`); one more puts and deletes objects. Operation n of each is a
function of the seed, so the number of acknowledged operations decides what must be there.
"""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from veristack_lab.sim.store.session import OBJECT_PREFIX
from veristack_lab.veristore.experiments.workload import Expected
from veristack_lab.veristore.experiments.writer import acknowledge, write_for_ever
from veristack_lab.veristore.kv import Store, open_store
from veristack_lab.veristore.objects.store import ObjectStore
from veristack_lab.veristore.wal.mutations import Change

KEY_WRITERS = 3
OBJECT_WRITER = KEY_WRITERS
BUCKET = "bucket"
SEGMENT_BYTES = 64 * 1024
CHECKPOINT_BYTES = 512 * 1024
"""Small, so that kills fall into rotations and into checkpoints in the background."""
CHUNK_BYTES = 4096
_SIZES = (40, 3000, 6000, 30_000)
"""Sizes of objects: in the log, in files of one chunk, and in files of several."""


@dataclass
class ExpectedObjects(Expected):
    """What the objects must look like: key to content."""

    def changes(self, number: int) -> Sequence[Change]:
        """What an operation on objects changes."""
        return [object_operation(self.seed, number)]


def object_operation(seed: int, number: int) -> Change:
    """Put (three times out of four) or delete one of eight objects."""
    rng = random.Random(f"object/{seed}/{number}")
    key = b"object-%d" % rng.randrange(8)
    if rng.random() < 0.25:
        return key, None
    return key, b"%d:" % number + rng.randbytes(1) * rng.choice(_SIZES)


def expectations(seed: int) -> list[Expected]:
    """What each writer's part must look like at the beginning."""
    keys = [Expected(seed, writer) for writer in range(KEY_WRITERS)]
    return [*keys, ExpectedObjects(seed, OBJECT_WRITER)]


def open_for_audit(folder: Path) -> tuple[Store, ObjectStore]:
    """Open what a killed writer left; nothing runs in the background."""
    store = open_store(folder, segment_bytes=SEGMENT_BYTES, checkpoint_bytes=None)
    return store, ObjectStore(store, chunk_bytes=CHUNK_BYTES)


def user_keys(store: Store, prefix: bytes) -> dict[bytes, bytes]:
    """Keys and values with a prefix, without the object store's records."""
    return {key: value for key, value in store.scan(prefix) if not key.startswith(OBJECT_PREFIX)}


def run_until_killed(folder: Path, acks: Path, seed: int, firsts: Sequence[int]) -> None:
    """Write with all threads, each from its own operation on. Ends only with an error."""
    acks_fd = os.open(acks, os.O_WRONLY | os.O_APPEND)
    store = open_store(folder, segment_bytes=SEGMENT_BYTES, checkpoint_bytes=CHECKPOINT_BYTES)
    objects = ObjectStore(store, chunk_bytes=CHUNK_BYTES)
    objects.create_bucket(BUCKET)
    threads = [
        threading.Thread(target=write_for_ever, args=(store, acks_fd, seed, writer, firsts[writer]))
        for writer in range(KEY_WRITERS)
    ]
    arguments = (objects, acks_fd, seed, firsts[OBJECT_WRITER])
    threads.append(threading.Thread(target=_put_objects, args=arguments))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _put_objects(objects: ObjectStore, acks_fd: int, seed: int, first: int) -> None:
    number = first
    while True:
        key, content = object_operation(seed, number)
        if content is None:
            objects.delete(BUCKET, key.decode())
        else:
            objects.put(BUCKET, key.decode(), content)
        acknowledge(acks_fd, OBJECT_WRITER, number, 0)
        number += 1
