"""Experiments on writers that wait: what waking them costs, and one that does not wait at all.

Public names are in `experiments` too. Everything here is measured, so no two runs are alike;
what is counted (records, syncs) is exact.
"""

from __future__ import annotations

import itertools
import resource
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from veristack_lab.kernels import records, warm
from veristack_lab.runtime.progress import OnProgress, silent
from veristack_lab.veristore.commit.group import GroupCommit
from veristack_lab.veristore.commit.handles import CommitHandle, Waiter
from veristack_lab.veristore.disk import RealDisk
from veristack_lab.veristore.experiments.threads import run_threads
from veristack_lab.veristore.kv import Store, open_store
from veristack_lab.veristore.wal.mutations import RecordType

ONE_CONDITION, OWN_SIGNALS = "one condition for all", "a signal for each writer"
IN_A_CHAIN = "a signal for each, in a chain"
WAYS = (ONE_CONDITION, OWN_SIGNALS, IN_A_CHAIN)
"""From the textbook to the store's own."""


class AllAtOnceCommit(GroupCommit):
    """The store's group commit, but a leader hands on the lead and wakes its whole group itself."""

    def _wake(self, leader: Waiter, sleepers: Sequence[Waiter]) -> None:
        self._hand_over(leader)
        for waiter in sleepers:
            waiter.wake()


class HerdCommit:
    """Group commit as textbooks have it: one condition that all wait for, `notify_all` after
    each group. Correct, and here only to be compared with `GroupCommit`.

    Args:
        append: makes payloads durable.
    """

    def __init__(self, append: Callable[[Sequence[bytes]], None]) -> None:
        self._append = append
        self._changed = threading.Condition()
        self._queue: list[list[bytes]] = []
        self._is_led = False
        self.groups = 0

    def commit(self, payload: bytes) -> None:
        """Return when the payload is durable."""
        ticket = [payload]  # emptied by the thread that makes it durable
        with self._changed:
            self._queue.append(ticket)
            while ticket and self._is_led:
                self._changed.wait()
            if not ticket:
                return
            self._is_led = True
            group, self._queue = self._queue, []
        self._append([each[0] for each in group])
        with self._changed:
            self.groups += 1
            self._is_led = False
            for each in group:
                each.clear()
            self._changed.notify_all()


def wakeups_sweep(
    path: Path,
    *,
    writers: Sequence[int] = (1, 4, 16, 64),
    rounds: int = 2,
    payload_bytes: int = 120,
    puts_per_writer: int = 40,
    on_progress: OnProgress | None = None,
) -> pd.DataFrame:
    """Three ways to let writers wait: one condition for all, a signal for each, and the store's.

    The first two differ in which threads they wake. The last two differ in which thread wakes the
    others: the leader wakes all at once, handing on the lead first; or each writer wakes the next
    one, and the last wakes the next leader. All append to a file of their own through the same
    code, interleaved. How often a thread had to be put to sleep and woken is read from the
    operating system: voluntary context switches of the whole process, the waits for the disk and
    for Python's own lock included.

    Args:
        path: a folder to work in.
        writers: numbers of threads.
        rounds: how often everything is repeated.
        payload_bytes: size of a record's payload.
        puts_per_writer: records of each thread; a lone writer makes five times as many.
        on_progress: called after each contestant.

    Returns:
        One row a round, number of writers and way: `round`, `writers`, `way`, `puts`,
        `puts_per_s`, `switches_per_put`, `cpu_us_per_put` (processor time of all threads),
        `records_per_sync`.
    """
    tick, rows = on_progress or silent, []
    warm()
    path.mkdir(parents=True, exist_ok=True)
    contests = list(itertools.product(range(1, rounds + 1), writers, WAYS))
    for done, (round_number, count, way) in enumerate(contests, 1):
        puts = puts_per_writer * (5 if count == 1 else 1)
        measured = _contest(path / "wakeups", way, count, puts, bytes(payload_bytes))
        rows.append((round_number, count, way, count * puts, *measured))
        tick(done, len(contests))
    columns = ["round", "writers", "way", "puts", "puts_per_s"]
    columns += ["switches_per_put", "cpu_us_per_put", "records_per_sync"]
    frame = pd.DataFrame(rows, columns=columns)
    frame.attrs = {"payload_bytes": payload_bytes, "rounds": rounds, "seed": None}
    return frame


def _contest(
    path: Path, way: str, count: int, puts: int, payload: bytes
) -> tuple[float, float, float, float]:
    """(records a second, context switches and processor time a record, records a sync)."""
    disk, total = RealDisk(), count * puts
    file = disk.open(path, create=True)
    groups = 0

    def append(payloads: Sequence[bytes]) -> None:
        nonlocal groups
        groups += 1
        file.append(records.frame_records(payloads, [RecordType.PUT] * len(payloads), 1, 1))
        file.fdatasync()

    commit = _commit_of(way, append)

    def write(_: int) -> None:
        for _ in range(puts):
            commit(payload)

    before = resource.getrusage(resource.RUSAGE_SELF)
    elapsed_s = run_threads(write, count)
    after = resource.getrusage(resource.RUSAGE_SELF)
    file.close()
    disk.unlink(path)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    switches = after.ru_nvcsw - before.ru_nvcsw
    return total / elapsed_s, switches / total, 1e6 * cpu_s / total, total / groups


def _commit_of(way: str, append: Callable[[Sequence[bytes]], None]) -> Callable[[bytes], object]:
    if way == ONE_CONDITION:
        return HerdCommit(append).commit

    def append_group(_kinds: Sequence[int], payloads: Sequence[bytes]) -> int:
        append(payloads)
        return 1

    commit_type = GroupCommit if way == IN_A_CHAIN else AllAtOnceCommit
    group_commit = commit_type(append_group, lambda _: None, lambda: None)
    return lambda payload: group_commit.commit(RecordType.PUT, payload, ())


def handles_sweep(
    path: Path,
    *,
    depths: Sequence[int] = (1, 4, 16, 64),
    rounds: int = 2,
    value_bytes: int = 100,
    puts: int = 600,
    on_progress: OnProgress | None = None,
) -> pd.DataFrame:
    """Durable puts of a single thread that keeps up to `depth` in flight with `put_async`.

    The thread hands a put in, and waits for its oldest one whenever `depth` are in flight.
    So at depth 1 it waits for each, as with `put`.

    Args:
        path: a folder to work in.
        depths: how many puts may be in flight.
        rounds: how often everything is repeated, interleaved.
        value_bytes: size of a value.
        puts: how many each time.
        on_progress: called after each contestant.

    Returns:
        One row a round and depth: `round`, `depth`, `puts`, `puts_per_s`, `records_per_sync`.
    """
    tick, rows = on_progress or silent, []
    warm()
    contests = list(itertools.product(range(1, rounds + 1), depths))
    for done, (round_number, depth) in enumerate(contests, 1):
        with open_store(path / f"handles-{round_number}-{depth}") as store:
            started_s = time.perf_counter()
            _keep_in_flight(store, depth, puts, value_bytes)
            elapsed_s = time.perf_counter() - started_s
            per_sync = store.stats().records_per_sync
        rows.append((round_number, depth, puts, puts / elapsed_s, per_sync))
        tick(done, len(contests))
    frame = pd.DataFrame(rows, columns=["round", "depth", "puts", "puts_per_s", "records_per_sync"])
    frame.attrs = {"value_bytes": value_bytes, "rounds": rounds, "seed": None}
    return frame


def _keep_in_flight(store: Store, depth: int, puts: int, value_bytes: int) -> None:
    value = bytes(value_bytes)
    in_flight: deque[CommitHandle] = deque(maxlen=depth)
    for number in range(puts):
        if len(in_flight) == depth:
            in_flight[0].wait()
        in_flight.append(store.put_async(b"%016d" % number, value))
    for handle in in_flight:
        handle.wait()
