"""What every key-value store must do that others build on: the conformance tests of `KeyValue`.

A test module runs them on a store of its own kind: it subclasses `KeyValueConformance` and says
how such a store is opened.
"""

from __future__ import annotations

import random
import threading
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from veristack_lab.errors import InvalidInput, KeyTooLarge, StoreClosed
from veristack_lab.veristore import Batch
from veristack_lab.veristore.keyvalue import KeyValue


class KeyValueConformance:
    """The tests. A subclass gives `opened`."""

    def opened(self, where: Path) -> AbstractContextManager[KeyValue]:
        """The store of a place: empty the first time, as it was left every other time."""
        raise NotImplementedError

    def test_a_key_has_the_value_it_was_set_to_last(self, folder: Path) -> None:
        with self.opened(folder) as store:
            assert store.get(b"key") is None
            store.put(b"key", b"old")
            store.put(b"key", b"new")
            store.put(b"empty", b"")
            assert (store.get(b"key"), store.get(b"empty")) == (b"new", b"")
            store.delete(b"key")
            assert store.get(b"key") is None
            store.delete(b"never set")

    def test_numbers_of_changes_only_grow(self, folder: Path) -> None:
        with self.opened(folder) as store:
            batch = Batch()
            batch.put(b"b", b"2")
            numbers = [store.put(b"a", b"1"), store.delete(b"a"), store.write(batch)]
            assert numbers == sorted(set(numbers))
            assert store.sync() >= numbers[-1]
        with self.opened(folder) as store:
            assert store.put(b"c", b"3") > numbers[-1]

    def test_what_was_acknowledged_is_there_when_the_store_is_opened_again(
        self, folder: Path
    ) -> None:
        with self.opened(folder) as store:
            store.put(b"kept", b"1")
            store.put(b"gone", b"2")
            store.delete(b"gone")
        with self.opened(folder) as store:
            assert list(store.scan()) == [(b"kept", b"1")]

    def test_a_scan_goes_in_byte_order_from_a_start_to_a_limit(self, folder: Path) -> None:
        keys = [b"\x00", b"a", b"a\x00", b"a/1", b"a/10", b"a/2", b"b", b"\xff", b"\xff\xff"]
        with self.opened(folder) as store:
            for key in reversed(keys):
                store.put(key, key.hex().encode())
            assert list(store.scan()) == [(key, key.hex().encode()) for key in keys]
            assert [key for key, _ in store.scan(b"a/")] == [b"a/1", b"a/10", b"a/2"]
            assert [key for key, _ in store.scan(b"a/", start=b"a/10", limit=1)] == [b"a/10"]
            assert [key for key, _ in store.scan(start=b"b", limit=2)] == [b"b", b"\xff"]
            assert [key for key, _ in store.scan(b"\xff")] == [b"\xff", b"\xff\xff"]
            assert [key for key, _ in store.scan(b"a/", start=b"a")] == [b"a/1", b"a/10", b"a/2"]
            assert list(store.scan(limit=0)) == []
            with pytest.raises(InvalidInput):
                store.scan(limit=-1)

    def test_the_changes_of_a_batch_are_made_in_order(self, folder: Path) -> None:
        with self.opened(folder) as store:
            store.put(b"c", b"0")
            batch = Batch()
            batch.put(b"a", b"1")
            batch.put(b"a", b"2")
            batch.put(b"b", b"3")
            batch.delete(b"b")
            batch.delete(b"c")
            store.write(batch)
            assert list(store.scan()) == [(b"a", b"2")]
            with pytest.raises(InvalidInput):
                store.write(Batch())

    def test_readers_see_a_batch_as_a_whole_or_not_at_all(self, folder: Path) -> None:
        with self.opened(folder) as store:
            store.put(b"pair/a", b"0")
            store.put(b"pair/b", b"0")
            is_done = threading.Event()

            def write() -> None:
                for number in range(100):
                    batch = Batch()
                    batch.put(b"pair/a", b"%d" % number)
                    batch.put(b"pair/b", b"%d" % number)
                    store.write(batch)
                is_done.set()

            writer = threading.Thread(target=write)
            writer.start()
            seen = set()
            while not is_done.is_set():
                seen.add(tuple(value for _, value in store.scan(b"pair/")))
            writer.join()
            assert all(first == second for first, second in seen)
            assert [value for _, value in store.scan(b"pair/")] == [b"99", b"99"]

    def test_a_view_stays_as_it_was(self, folder: Path) -> None:
        with self.opened(folder) as store:
            store.put(b"changed", b"old")
            store.put(b"deleted", b"old")
            with store.snapshot_view() as view:
                store.put(b"changed", b"new")
                store.delete(b"deleted")
                store.put(b"added", b"new")
                assert list(view.scan()) == [(b"changed", b"old"), (b"deleted", b"old")]
                assert (view.get(b"changed"), view.get(b"added")) == (b"old", None)
            assert list(store.scan()) == [(b"added", b"new"), (b"changed", b"new")]
            view.close()
            with pytest.raises(StoreClosed):
                view.get(b"changed")

    def test_what_is_not_a_key_is_refused_and_nothing_is_changed(self, folder: Path) -> None:
        with self.opened(folder) as store:
            with pytest.raises(InvalidInput):
                store.get("text")  # type: ignore[arg-type]
            with pytest.raises(InvalidInput):
                store.put("text", b"")  # type: ignore[arg-type]
            with pytest.raises(InvalidInput):
                store.put(b"key", "text")  # type: ignore[arg-type]
            with pytest.raises(KeyTooLarge):
                store.put(b"", b"value")
            assert list(store.scan()) == []

    def test_a_closed_store_says_so(self, folder: Path) -> None:
        with self.opened(folder) as store:
            view = store.snapshot_view()
        for call in (
            lambda: store.get(b"key"),
            lambda: store.put(b"key", b""),
            lambda: store.delete(b"key"),
            lambda: store.scan(),
            lambda: store.snapshot_view(),
            lambda: store.sync(),
            lambda: view.get(b"key"),
        ):
            with pytest.raises(StoreClosed):
                call()

    @pytest.mark.parametrize("seed", range(3))
    def test_it_is_a_sorted_map(self, folder: Path, seed: int) -> None:
        rng = random.Random(seed)
        keys = [bytes(rng.choices(b"ab\x00\xff", k=rng.randint(1, 4))) for _ in range(30)]
        model: dict[bytes, bytes] = {}
        for _ in range(3):
            with self.opened(folder) as store:
                for number in range(60):
                    batch = Batch()
                    for key in rng.choices(keys, k=rng.randint(1, 3)):
                        if rng.random() < 0.3:
                            batch.delete(key)
                            model.pop(key, None)
                        else:
                            batch.put(key, b"%d" % number)
                            model[key] = b"%d" % number
                    store.write(batch)
                    prefix, start = rng.choice(keys)[:1], rng.choice(keys)
                    assert list(store.scan(prefix, start)) == [
                        pair
                        for pair in sorted(model.items())
                        if pair[0].startswith(prefix) and pair[0] >= start
                    ]
                assert list(store.scan()) == sorted(model.items())
