"""Durable puts, beside the bare disk and beside what a Python user would take instead.

Every contestant makes each put durable on the same disk before the next one of the same
thread: lmdb with `sync=True`, rocksdict with synced write options, sqlite3 with
`synchronous=FULL`. Rates without that promise are another race and not shown here.
"""

from __future__ import annotations

import itertools
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import lmdb
import rocksdict

import veristack_lab.veristore as veristore
from veristack_lab.bench import Contest, Contestant, rate
from veristack_lab.processes import temporary_folder
from veristack_lab.veristore.disk import RealDisk
from veristack_lab.veristore.experiments import run_threads

VALUE = bytes(100)
RECORD_BYTES = 24 + 4 + 16 + len(VALUE)
PUTS = 25
"""Of each thread, in one measurement."""

Put = Callable[[bytes, bytes], object]


@contextmanager
def contests() -> Iterator[list[Contest]]:
    """P4 and P5."""
    with ExitStack() as resources:
        folder = resources.enter_context(temporary_folder())
        store = resources.enter_context(veristore.open(folder / "ours"))
        peers = {
            "lmdb": resources.enter_context(lmdb_put(folder / "lmdb")),
            "rocksdict": resources.enter_context(rocksdict_put(folder / "rocksdict")),
            "sqlite3 FULL": resources.enter_context(sqlite_put(folder / "sqlite")),
        }
        raw = resources.enter_context(bare_disk(folder / "raw"))
        alone = Contestant("one writer of ours", lambda: puts_per_s(store.put, 1))
        yield [
            Contest(
                "P4",
                "durable put, one writer",
                "puts/s",
                Contestant("veristore", lambda: puts_per_s(store.put, 1)),
                [Contestant("pwrite + fdatasync", lambda: rate(PUTS, raw))],
                0.85,
            ),
            against(store.put, 16, "P5-16", [alone], None),
            against(store.put, 64, "P5", [alone], 15.0),
            against(store.put, 64, "P5-peers", [at(64, *peer) for peer in peers.items()], 1.0),
            against(store.put, 1, "P5-one", [at(1, *peer) for peer in peers.items()], None),
        ]


def against(
    put: Put, threads: int, name: str, peers: list[Contestant], goal: float | None
) -> Contest:
    ours = Contestant("veristore", lambda: puts_per_s(put, threads))
    many = "one thread" if threads == 1 else f"{threads} threads"
    return Contest(name, f"durable puts, {many}", "puts/s", ours, peers, goal)


def at(threads: int, name: str, put: Put) -> Contestant:
    return Contestant(name, lambda: puts_per_s(put, threads))


_fresh = itertools.count()


def puts_per_s(put: Put, threads: int) -> float:
    """Durable puts of new keys a second."""
    run = next(_fresh)
    puts = PUTS * (4 if threads == 1 else 1)

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
        for offset in itertools.islice(offsets, PUTS):
            file.pwrite(data, offset)
            file.fdatasync()

    yield work
    file.close()


@contextmanager
def lmdb_put(path: Path) -> Iterator[Put]:
    with lmdb.open(str(path), map_size=1 << 30, sync=True, metasync=True) as environment:

        def put(key: bytes, value: bytes) -> None:
            with environment.begin(write=True) as transaction:
                transaction.put(key, value)

        yield put


@contextmanager
def rocksdict_put(path: Path) -> Iterator[Put]:
    options = rocksdict.WriteOptions()
    options.sync = True
    with closing(rocksdict.Rdict(str(path), rocksdict.Options(raw_mode=True))) as table:
        table.set_write_options(options)
        yield table.put


@contextmanager
def sqlite_put(path: Path) -> Iterator[Put]:
    connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    lock = threading.Lock()
    with closing(connection):
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE pairs (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID")

        def put(key: bytes, value: bytes) -> None:
            with lock:
                connection.execute("INSERT OR REPLACE INTO pairs VALUES (?, ?)", (key, value))

        yield put
