"""P8: keys that are there, read in random order; nothing waits, so processor time is counted."""

from __future__ import annotations

import functools
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
GOALS = {"lmdb": 1.5, "rocksdict": 5.0}

Get = Callable[[bytes], bytes | None]


@contextmanager
def contests(folder: Path) -> Iterator[list[Contest]]:
    """Against each peer by itself, for the goals differ. Filled when first asked for."""
    with ExitStack() as resources:
        filled = functools.cache(lambda: Filled(folder, resources))
        yield [
            Contest(
                f"P8-{name}",
                f"get of a present key, {RECORDS:,} records",
                "M ops/s",
                Contestant("veristore", lambda: filled().gets_per_s("veristore")),
                [Contestant(name, lambda n=name: filled().gets_per_s(n))],
                goal,
                profile=lambda ours: profile(ours, filled()),
            )
            for name, goal in GOALS.items()
        ]


class Filled:
    """The same records in all stores, open until `resources` is closed."""

    def __init__(self, folder: Path, resources: ExitStack) -> None:
        folder.mkdir()
        generator = random.Random(8)
        self.pairs = [
            (generator.randbytes(KEY_BYTES), generator.randbytes(VALUE_BYTES))
            for _ in range(RECORDS)
        ]
        self.keys = [key for key, _ in generator.sample(self.pairs, READS)]
        store = resources.enter_context(veristore.open(folder / "ours"))
        for at in range(0, RECORDS, BATCH):
            store.put_many(self.pairs[at : at + BATCH])
        self._gets = {
            "veristore": store.get,
            "lmdb": resources.enter_context(lmdb_get(folder / "lmdb", self.pairs)),
            "rocksdict": resources.enter_context(rocksdict_get(folder / "rocks", self.pairs)),
        }
        for get in self._gets.values():
            assert all(get(key) == value for key, value in self.pairs[:1000])

    def gets_per_s(self, name: str) -> float:
        return gets_per_s(self._gets[name], self.keys)


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


def profile(ours: float, filled: Filled) -> str:
    """What a dictionary takes, alone and behind one call of a Python function."""
    table = dict(filled.pairs)

    def through(key: bytes) -> bytes | None:
        return table.get(key)

    bare, called = gets_per_s(table.get, filled.keys), gets_per_s(through, filled.keys)
    return (
        f"{1000 / ours:,.0f} ns a get; the dictionary's own get takes {1000 / bare:,.0f} ns, and"
        f" {1000 / called:,.0f} ns behind the smallest function of Python"
    )
