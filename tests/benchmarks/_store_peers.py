"""What a Python user would take instead of veristore, each by its fastest durable way.

All make each write durable before they return: lmdb with `sync=True`, rocksdict with synced
write options, plyvel with `sync=True`, sqlite3 with `synchronous=FULL`. Rates without that
promise are another race and not shown.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import lmdb
import rocksdict

import veristack_lab.veristore as veristore

try:
    import plyvel
except ImportError:  # it has no wheels for Python 3.13 and later, and is left out there
    plyvel = None

Pairs = Sequence[tuple[bytes, bytes]]
Put = Callable[[bytes, bytes], object]
Write = Callable[[Pairs], object]
OpenToWrite = Callable[[Path, bool], AbstractContextManager[Write]]
"""Open a new store for batches; the flag tells that keys will only ever ascend."""

MAP_BYTES = 4 << 30


@contextmanager
def lmdb_put(path: Path) -> Iterator[Put]:
    with lmdb.open(str(path), map_size=MAP_BYTES, sync=True, metasync=True) as environment:

        def put(key: bytes, value: bytes) -> None:
            with environment.begin(write=True) as transaction:
                transaction.put(key, value)

        yield put


@contextmanager
def rocksdict_put(path: Path) -> Iterator[Put]:
    with closing(rocksdict.Rdict(str(path), rocksdict.Options(raw_mode=True))) as table:
        table.set_write_options(synced())
        yield table.put


@contextmanager
def plyvel_put(path: Path) -> Iterator[Put]:
    with closing(plyvel.DB(str(path), create_if_missing=True)) as table:
        yield lambda key, value: table.put(key, value, sync=True)


@contextmanager
def sqlite_put(path: Path) -> Iterator[Put]:
    lock = threading.Lock()
    with sqlite(path) as connection:

        def put(key: bytes, value: bytes) -> None:
            with lock:
                connection.execute("INSERT OR REPLACE INTO pairs VALUES (?, ?)", (key, value))

        yield put


PUTS: dict[str, Callable[[Path], AbstractContextManager[Put]]] = {
    "lmdb": lmdb_put,
    "rocksdict": rocksdict_put,
    **({} if plyvel is None else {"plyvel": plyvel_put}),
    "sqlite3 FULL": sqlite_put,
}


@contextmanager
def our_batches(path: Path, _ascending: bool) -> Iterator[Write]:
    with veristore.open(path) as store:
        yield store.put_many


@contextmanager
def lmdb_batches(path: Path, ascending: bool) -> Iterator[Write]:
    """Ascending keys are appended, which spares lmdb the search for their place."""
    with lmdb.open(str(path), map_size=MAP_BYTES, sync=True, metasync=True) as environment:

        def write(pairs: Pairs) -> None:
            with environment.begin(write=True) as transaction:
                transaction.cursor().putmulti(pairs, append=ascending)

        yield write


@contextmanager
def rocksdict_batches(path: Path, _ascending: bool) -> Iterator[Write]:
    options = synced()
    with closing(rocksdict.Rdict(str(path), rocksdict.Options(raw_mode=True))) as table:

        def write(pairs: Pairs) -> None:
            batch = rocksdict.WriteBatch(raw_mode=True)
            put = batch.put
            for key, value in pairs:
                put(key, value)
            table.write(batch, options)

        yield write


@contextmanager
def plyvel_batches(path: Path, _ascending: bool) -> Iterator[Write]:
    with closing(plyvel.DB(str(path), create_if_missing=True)) as table:

        def write(pairs: Pairs) -> None:
            with table.write_batch(sync=True) as batch:
                put = batch.put
                for key, value in pairs:
                    put(key, value)

        yield write


BATCHES: dict[str, OpenToWrite] = {
    "lmdb": lmdb_batches,
    "rocksdict": rocksdict_batches,
    **({} if plyvel is None else {"plyvel": plyvel_batches}),
}


def synced() -> rocksdict.WriteOptions:
    options = rocksdict.WriteOptions()
    options.sync = True
    return options


@contextmanager
def sqlite(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    with closing(connection):
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE pairs (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID")
        yield connection
