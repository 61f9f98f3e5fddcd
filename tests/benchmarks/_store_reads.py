"""P8: keys that are there, read in random order; nothing waits, so processor time is counted."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import lmdb
import rocksdict
from _store_peers import MAP_BYTES

import veristack_lab.veristore as veristore
from veristack_lab.bench import Contest, Contestant, rate

RECORDS, READS = 100_000, 20_000
BATCH = 10_000
KEY_BYTES, VALUE_BYTES = 16, 84

Get = Callable[[bytes], bytes | None]


@contextmanager
def contests(folder: Path) -> Iterator[list[Contest]]:
    """Against each peer by itself, for the goals differ."""
    folder.mkdir()
    generator = random.Random(8)
    pairs = [
        (generator.randbytes(KEY_BYTES), generator.randbytes(VALUE_BYTES)) for _ in range(RECORDS)
    ]
    keys = [key for key, _ in generator.sample(pairs, READS)]
    with ExitStack() as resources:
        store = resources.enter_context(veristore.open(folder / "ours"))
        for at in range(0, RECORDS, BATCH):
            store.put_many(pairs[at : at + BATCH])
        peers = {
            "lmdb": (resources.enter_context(lmdb_get(folder / "lmdb", pairs)), 1.5),
            "rocksdict": (resources.enter_context(rocksdict_get(folder / "rocks", pairs)), 5.0),
        }
        sample = dict(pairs[:1000])
        for get in (store.get, *(get for get, _ in peers.values())):
            assert all(get(key) == value for key, value in sample.items())
        yield [
            Contest(
                f"P8-{name}",
                f"get of a present key, {RECORDS:,} records",
                "M ops/s",
                Contestant("veristore", lambda: gets_per_s(store.get, keys)),
                [Contestant(name, lambda g=get: gets_per_s(g, keys))],
                goal,
                profile=lambda ours: profile(ours, dict(pairs), keys),
            )
            for name, (get, goal) in peers.items()
        ]


def gets_per_s(get: Get, keys: list[bytes]) -> float:
    """Millions of reads a second, in the loop that a user would write."""

    def work() -> None:
        for key in keys:
            get(key)

    return rate(len(keys) / 1e6, work, time.thread_time)


@contextmanager
def lmdb_get(path: Path, pairs: list[tuple[bytes, bytes]]) -> Iterator[Get]:
    """Inside one read transaction, where lmdb is at its best."""
    with lmdb.open(str(path), map_size=MAP_BYTES) as environment:
        with environment.begin(write=True) as transaction:
            transaction.cursor().putmulti(pairs)
        with environment.begin() as transaction:
            yield transaction.get


@contextmanager
def rocksdict_get(path: Path, pairs: list[tuple[bytes, bytes]]) -> Iterator[Get]:
    with closing(rocksdict.Rdict(str(path), rocksdict.Options(raw_mode=True))) as table:
        for key, value in pairs:
            table.put(key, value)
        yield table.get


def profile(ours: float, table: dict[bytes, bytes], keys: list[bytes]) -> str:
    """What a dictionary takes, alone and behind one call of a Python function."""

    def through(key: bytes) -> bytes | None:
        return table.get(key)

    bare, called = gets_per_s(table.get, keys), gets_per_s(through, keys)
    return (
        f"{1000 / ours:,.0f} ns a get; the dictionary's own get takes {1000 / bare:,.0f} ns, and"
        f" {1000 / called:,.0f} ns behind the smallest function of Python"
    )
