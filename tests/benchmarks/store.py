"""The store beside the bare disk and beside what a Python user would take instead: P1 to P8.

P1 to P3 are the benchmark `kernels`. In the others every contestant makes each write durable
on the same disk before it returns (see `_store_peers`).
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import _store_batches
import _store_reads
import _store_reopen
from _store_handover import handovers_per_s
from _store_peers import PUTS as PEERS
from _store_peers import Put

import veristack_lab.veristore as veristore
from veristack_lab.bench import Contest, Contestant, rate
from veristack_lab.runtime.processes import temporary_folder
from veristack_lab.veristore import Store
from veristack_lab.veristore.disk import RealDisk
from veristack_lab.veristore.experiments.threads import run_threads

INCLUDES = ("kernels",)

VALUE = bytes(100)
RECORD_BYTES = 24 + 4 + 16 + len(VALUE)
PUTS = {1: 100, 16: 30, 64: 10}
"""Of each thread in one measurement, by the number of threads."""
LOOKS = 5
"""How often a limit is measured; the median counts."""
IN_MEMORY = Path("/dev/shm")
"""Where a file never meets a disk; other systems than Linux may have no such place."""


@contextmanager
def contests() -> Iterator[list[Contest]]:
    """P4 to P8."""
    with ExitStack() as resources:
        folder = resources.enter_context(temporary_folder())
        places = {"disk": folder}
        if IN_MEMORY.is_dir():
            places["tmpfs"] = resources.enter_context(temporary_folder(parent=IN_MEMORY))
        yield [
            *resources.enter_context(single_puts(folder / "puts")),
            *_store_batches.contests(places),
            *_store_reopen.contests(folder),
            *resources.enter_context(_store_reads.contests(folder / "reads")),
        ]


@contextmanager
def single_puts(folder: Path) -> Iterator[list[Contest]]:
    """P4 and P5."""
    folder.mkdir()
    with ExitStack() as resources:
        store = resources.enter_context(veristore.open(folder / "ours"))
        peers = {
            name: resources.enter_context(opened(folder / name)) for name, opened in PEERS.items()
        }
        sync = resources.enter_context(bare_disk(folder / "raw"))
        bare = Contestant("pwrite + fdatasync", lambda: rate(PUTS[1], sync))
        alone = Contestant("one writer of ours", lambda: puts_per_s(store.put, 1))

        def against(
            threads: int,
            name: str,
            rivals: list[Contestant],
            goal: float | None,
            rounds: int | None = None,
        ) -> Contest:
            many = "one thread" if threads == 1 else f"{threads} threads"
            return Contest(
                name,
                f"durable puts, {many}",
                "puts/s",
                Contestant("veristore", lambda: puts_per_s(store.put, threads)),
                rivals,
                goal,
                profile=lambda ours: profile(ours, threads, store, sync),
                yardstick=bare,
                rounds=rounds,
            )

        def peers_with(threads: int) -> list[Contestant]:
            return [
                Contestant(name, lambda p=put: puts_per_s(p, threads))
                for name, put in peers.items()
            ]

        yield [
            Contest(
                "P4",
                "durable put, one writer",
                "puts/s",
                Contestant("veristore", lambda: puts_per_s(store.put, 1)),
                [bare],
                0.85,
                profile=lambda ours: profile(ours, 1, store, sync),
                yardstick=bare,
            ),
            against(16, "P5-16", [alone], None),
            against(64, "P5", [alone], 15.0),
            against(64, "P5-peers", peers_with(64), 1.0),
            against(1, "P5-one", peers_with(1), None, rounds=5),
        ]


_fresh = itertools.count()


def puts_per_s(put: Put, threads: int) -> float:
    """Durable puts of new keys a second."""
    run, puts = next(_fresh), PUTS[threads]

    def work(thread: int) -> None:
        for number in range(puts):
            put(b"%06d%04d%06d" % (run, thread, number), VALUE)

    return threads * puts / run_threads(work, threads)


@contextmanager
def bare_disk(path: Path) -> Iterator[Callable[[], None]]:
    """The loop that no store can beat with one writer."""
    file = RealDisk().open(path, create=True)
    data, offsets = bytes(RECORD_BYTES), itertools.count(0, RECORD_BYTES)

    def work() -> None:
        for offset in itertools.islice(offsets, PUTS[1]):
            file.pwrite(data, offset)
            file.fdatasync()

    yield work
    file.close()


def profile(ours: float, threads: int, store: Store, sync: Callable[[], None]) -> str:
    """How many puts share a sync, and what of their time the disk and the processor take."""
    before, started, worked = store.stats(), time.perf_counter(), time.process_time()
    rate_now = puts_per_s(store.put, threads)
    elapsed, worked = time.perf_counter() - started, time.process_time() - worked
    after = store.stats()
    groups = after.groups - before.groups
    group_ms = 1000 * elapsed / groups
    sync_ms = 1000 / rate(PUTS[1], sync)
    looks = (
        f"{(after.records - before.records) / groups:,.1f} puts share a sync; a group takes"
        f" {group_ms:,.3f} ms, of which {sync_ms:,.3f} ms are the bare write and sync; each put"
        f" takes {1e6 * worked / (after.records - before.records):,.0f} µs of processor time"
        f" ({ours:,.0f} puts/s in the contest, {rate_now:,.0f} in this look)"
    )
    return looks if threads == 1 else f"{looks}; {limit_of_threads(threads, store)}"


def limit_of_threads(threads: int, store: Store) -> str:
    """What waking each writer once allows, whatever the store and the disk do."""
    wakes = statistics.median(handovers_per_s(threads) for _ in range(LOOKS))
    alone = statistics.median(puts_per_s(store.put, 1) for _ in range(LOOKS))
    return (
        f"limit: waking each of {threads} threads once, and nothing else, allows"
        f" {wakes:,.0f} puts/s, {wakes / alone:.1f} times one writer"
    )
