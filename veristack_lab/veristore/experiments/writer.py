"""A process that writes until it is killed: `python -m veristack_lab.veristore.experiments.writer`.

    writer.py STORE ACKNOWLEDGEMENTS SEED FIRST_OPERATION...

One thread for each number given: it begins with that operation of the seeded workload. After
a write has returned, and only then, the thread appends one entry to the file of
acknowledgements. That file is not synced: it lives in the page cache, which outlives the
process, and the parent reads it there.
"""

from __future__ import annotations

import os
import struct
import sys
import threading
from pathlib import Path
from typing import NamedTuple

from veristack_lab.veristore.experiments.workload import operation
from veristack_lab.veristore.kv import Store, open_store
from veristack_lab.veristore.wal.mutations import Batch

_ENTRY = struct.Struct("<QQQ")
ENTRY_BYTES = _ENTRY.size
CHECKPOINT_EVERY = 300
"""Operations of the first thread between two checkpoints, so that kills hit checkpoints too."""


class Acknowledgement(NamedTuple):
    """One write that returned."""

    writer: int
    number: int
    """The number of the operation."""
    lsn: int


def read_acknowledgements(path: Path) -> list[Acknowledgement]:
    """All whole entries of the file, in the order they were made."""
    data = path.read_bytes()
    whole = len(data) - len(data) % ENTRY_BYTES
    return [Acknowledgement(*entry) for entry in _ENTRY.iter_unpack(data[:whole])]


def acknowledge(acks_fd: int, writer: int, number: int, lsn: int) -> None:
    """Append one entry, in one call of the system: it is written as a whole or not at all."""
    os.write(acks_fd, _ENTRY.pack(writer, number, lsn))


def write_for_ever(store: Store, acks_fd: int, seed: int, writer: int, first: int) -> None:
    """One writer's operations, one after the other."""
    number = first
    while True:
        batch = Batch()
        changes = operation(seed, writer, number)
        if len(changes) > 1:
            for key, value in changes:
                batch = batch.delete(key) if value is None else batch.put(key, value)
            lsn = store.write(batch)
        else:
            ((key, value),) = changes
            lsn = store.delete(key) if value is None else store.put(key, value)
        acknowledge(acks_fd, writer, number, lsn)
        number += 1
        if writer == 0 and number % CHECKPOINT_EVERY == 0:
            store.checkpoint()


def main() -> None:
    """Open the store and write until the end."""
    folder, acks, seed, *firsts = sys.argv[1:]
    acks_fd = os.open(acks, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    with open_store(folder) as store:
        threads = [
            threading.Thread(target=write_for_ever, args=(store, acks_fd, int(seed), w, int(first)))
            for w, first in enumerate(firsts)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    main()
