"""Who waited for what, and when: writers and their groups, watched from the disk's side.

Public names are in `experiments` too. The store is the real one on the real disk; only its file
notes when a write and a sync began and ended, and which thread made them: the leader of the
group. Which records form a group stands in the log itself.
"""

from __future__ import annotations

import os
import threading
import time
from bisect import bisect_right
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from veristack_lab.errors import InvalidInput
from veristack_lab.veristore.disk import Bytes, RealDisk, RealFile
from veristack_lab.veristore.experiments.threads import run_threads
from veristack_lab.veristore.kv import open_store
from veristack_lab.veristore.wal.anatomy import log_anatomy

COLUMNS = (
    *("group", "writer", "is_leader", "lsn"),
    *("queued_ms", "write_ms", "sync_ms", "synced_ms", "returned_ms"),
)
FIRST = "first of its group"


@dataclass
class _Sync:
    thread: int
    wrote_s: float
    began_s: float
    ended_s: float


@dataclass
class _Watched:
    """What the disk was asked for. Only the leader of a group writes, so one thread at a time."""

    wrote_s: float = 0.0
    syncs: list[_Sync] = field(default_factory=list)


class _WatchedFile(RealFile):
    def __init__(self, path: Path, flags: int, watched: _Watched) -> None:
        super().__init__(path, flags)
        self._watched = watched

    def pwrite(self, data: Bytes, offset: int) -> None:
        self._watched.wrote_s = time.perf_counter()
        super().pwrite(data, offset)

    def fdatasync(self) -> None:
        began_s = time.perf_counter()
        super().fdatasync()
        ended_s = time.perf_counter()
        self._watched.syncs.append(
            _Sync(threading.get_ident(), self._watched.wrote_s, began_s, ended_s)
        )


class _WatchedDisk(RealDisk):
    def __init__(self) -> None:
        self.watched = _Watched()

    def open(self, path: Path, *, create: bool = False) -> RealFile:
        flags = os.O_RDWR | (os.O_CREAT | os.O_EXCL if create else 0)
        return _WatchedFile(path, flags, self.watched)


@dataclass(frozen=True)
class _Put:
    writer: int
    thread: int
    lsn: int
    began_s: float
    ended_s: float


def group_trace(path: Path, *, writers: int = 4, puts_per_writer: int = 6) -> pd.DataFrame:
    """Let some writers put without pause, and note for each put which sync made it durable.

    Args:
        path: a folder to work in.
        writers: how many threads.
        puts_per_writer: how many puts each makes.

    Returns:
        One row a put, in the order of the log: `group` (1 for the first sync), `writer`,
        `is_leader` (whether its own thread wrote and synced the group), `lsn`, and in ms since the
        first put was called: `queued_ms` (called), `write_ms` and `sync_ms` (the write and the sync
        of its group began), `synced_ms` (the sync returned: durable), `returned_ms` (the caller was
        told).

    Raises:
        InvalidInput: no writers or no puts.
    """
    if writers < 1 or puts_per_writer < 1:
        raise InvalidInput(f"{writers} writers with {puts_per_writer} puts each; give 1 or more")
    disk, puts = _WatchedDisk(), list[_Put]()

    with open_store(path, disk=disk, checkpoint_bytes=None) as store:
        syncs = disk.watched.syncs
        syncs.clear()  # those of the opening

        def write(writer: int) -> None:
            for number in range(puts_per_writer):
                began_s = time.perf_counter()
                lsn = store.put(b"%d-%d" % (writer, number), bytes(100))
                ended_s = time.perf_counter()
                puts.append(_Put(writer, threading.get_ident(), lsn, began_s, ended_s))

        run_threads(write, writers)
        made = list(syncs)  # before the sync of the closing
    starts = _starts_of_groups(path)
    frame = _frame(sorted(puts, key=lambda put: put.lsn), made, starts)
    frame.attrs = {"writers": writers, "puts_per_writer": puts_per_writer, "seed": None}
    return frame


def _starts_of_groups(path: Path) -> list[int]:
    """The LSNs whose record says that it is the first of its group."""
    fields = log_anatomy(path)
    types = fields[fields["name"] == "type"]
    return types["record"][types["meaning"].str.contains(FIRST)].tolist()


def _frame(puts: list[_Put], syncs: list[_Sync], starts: list[int]) -> pd.DataFrame:
    start_s = min(put.began_s for put in puts)
    rows = []
    for put in puts:
        group = bisect_right(starts, put.lsn)
        sync = syncs[group - 1]
        times = (put.began_s, sync.wrote_s, sync.began_s, sync.ended_s, put.ended_s)
        in_ms = [(moment - start_s) * 1e3 for moment in times]
        rows.append((group, put.writer, sync.thread == put.thread, put.lsn, *in_ms))
    return pd.DataFrame(rows, columns=list(COLUMNS))
