"""A view is a copy of the dictionary at its LSN, whatever happens after."""

from __future__ import annotations

import threading
from contextlib import ExitStack

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import veristack_lab.veristore as veristore
from tests.faulty_disk import quick_folder
from veristack_lab.errors import InvalidInput, StoreClosed
from veristack_lab.veristore import Batch, View

KEYS = st.sampled_from([b"a", b"ab", b"abc", b"b", b"ba", b"c", b"\xff", b"\x00"])
CHURN = 300
ALL_KEYS = 8 + CHURN
VALUES = st.binary(max_size=6)
CHANGES = st.lists(st.tuples(KEYS, st.none() | VALUES), min_size=1, max_size=6)


class ViewsAgainstCopies(RuleBasedStateMachine):
    """Any number of views beside any writers; each is compared with a copy made at its birth."""

    def __init__(self) -> None:
        super().__init__()
        self.resources = ExitStack()
        self.folder = self.resources.enter_context(quick_folder())
        self.store = veristore.open(self.folder / "store", segment_bytes=300)
        self.model: dict[bytes, bytes] = {}
        self.views: list[tuple[View, dict[bytes, bytes]]] = []

    @rule(changes=CHANGES)
    def write(self, changes: list[tuple[bytes, bytes | None]]) -> None:
        batch = Batch()
        for key, value in changes:
            batch = batch.delete(key) if value is None else batch.put(key, value)
            if value is None:
                self.model.pop(key, None)
            else:
                self.model[key] = value
        self.store.write(batch)

    @rule(pairs=st.lists(st.tuples(KEYS, VALUES), min_size=1, max_size=6))
    def put_many(self, pairs: list[tuple[bytes, bytes]]) -> None:
        self.store.put_many(pairs)
        self.model.update(pairs)

    @rule()
    def churn(self) -> None:
        """Enough keys that come and go for the map to tidy up its order."""
        pairs = [(b"churn%d" % number, b"") for number in range(CHURN)]
        batch = Batch()
        for key, _ in pairs:
            batch.delete(key)
        self.store.put_many(pairs)
        list(self.store.scan(b"churn", limit=1))
        self.store.write(batch)

    @precondition(lambda self: len(self.views) < 5)
    @rule()
    def open(self) -> None:
        view = self.store.snapshot_view()
        assert view.lsn == self.store.stats().last_lsn
        self.views.append((view, dict(self.model)))

    @precondition(lambda self: self.views)
    @rule(data=st.data())
    def close(self, data: st.DataObject) -> None:
        view, _ = self.views.pop(data.draw(st.integers(0, len(self.views) - 1)))
        view.close()
        view.close()
        with pytest.raises(StoreClosed, match="view"):
            view.get(b"a")

    @rule()
    def checkpoint(self) -> None:
        self.store.checkpoint()
        superseded = self.store.stats().superseded
        assert superseded <= len(self.views) * ALL_KEYS, "at most one value a key and view"

    @precondition(lambda self: self.views)
    @rule(data=st.data(), prefix=st.binary(max_size=1), start=st.none() | KEYS)
    def scan_part(self, data: st.DataObject, prefix: bytes, start: bytes | None) -> None:
        view, copy = data.draw(st.sampled_from(self.views))
        limit = data.draw(st.none() | st.integers(0, 3))
        wanted = [
            pair
            for pair in sorted(copy.items())
            if pair[0].startswith(prefix) and pair[0] >= (start or b"")
        ]
        assert list(view.scan(prefix, start, limit)) == wanted[:limit]

    @invariant()
    def each_view_is_its_copy(self) -> None:
        for view, copy in self.views:
            assert dict(view.scan()) == copy
            for key in (b"a", b"ab", b"churn7"):
                assert view.get(key) == copy.get(key)

    @invariant()
    def nothing_is_kept_without_need(self) -> None:
        stats = self.store.stats()
        assert stats.open_views == len(self.views)

    def teardown(self) -> None:
        self.store.close()
        for view, _ in self.views:
            with pytest.raises(StoreClosed):
                view.get(b"a")
        with veristore.open(self.folder / "store") as store:
            assert dict(store.scan()) == self.model
        self.resources.close()


TestViewsAgainstCopies = ViewsAgainstCopies.TestCase
TestViewsAgainstCopies.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)


def test_a_view_keeps_one_value_a_key_however_often_it_is_overwritten() -> None:
    with quick_folder() as folder, veristore.open(folder / "s") as store:
        store.put(b"k", b"first")
        with store.snapshot_view() as view:
            for number in range(100):
                store.put(b"k", b"%d" % number)
            assert store.stats().superseded == 1
            assert view.get(b"k") == b"first"
            with store.snapshot_view() as later:
                store.delete(b"k")
                assert store.stats().superseded == 2
                assert (view.get(b"k"), later.get(b"k"), store.get(b"k")) == (b"first", b"99", None)
            assert store.stats().superseded >= 1
            store.checkpoint()
            assert view.get(b"k") == b"first"
        assert store.stats().superseded == 0


def test_reads_of_a_view_never_meet_the_writers_beside_it() -> None:
    """The invariant is a sum that every batch keeps; a torn read would show another."""
    accounts = 20
    with quick_folder() as folder, veristore.open(folder / "s", durability="none") as store:
        store.put_many([(b"account%02d" % n, b"100") for n in range(accounts)])
        stop, sums = threading.Event(), list[int]()

        def move(writer: int) -> None:
            number = 0
            while not stop.is_set():
                number += 1
                giver, taker = (writer + number) % accounts, (writer * 7 + number * 3) % accounts
                if giver == taker:
                    continue
                with lock:
                    one = int(store.get(b"account%02d" % giver) or b"")
                    other = int(store.get(b"account%02d" % taker) or b"")
                    store.write(
                        Batch()
                        .put(b"account%02d" % giver, b"%d" % (one - 1))
                        .put(b"account%02d" % taker, b"%d" % (other + 1))
                    )

        lock = threading.Lock()
        writers = [threading.Thread(target=move, args=(n,)) for n in range(3)]
        for writer in writers:
            writer.start()
        while len(sums) < 100 or store.stats().records < 1000:
            number = len(sums)
            with store.snapshot_view() as view:
                sums.append(sum(int(value) for _, value in view.scan()))
                found = [view.get(b"account%02d" % n) for n in range(accounts)]
                sums.append(sum(int(value or b"") for value in found))
            if number % 100 == 0:
                store.checkpoint()
        stop.set()
        for writer in writers:
            writer.join()
        assert set(sums) == {100 * accounts}


def test_what_a_view_refuses() -> None:
    with quick_folder() as folder:
        store = veristore.open(folder / "s")
        with store.snapshot_view() as view:
            with pytest.raises(InvalidInput):
                view.get("k")  # type: ignore[arg-type]
            with pytest.raises(InvalidInput, match="limit"):
                view.scan(limit=-1)
            assert repr(view) == "<View at LSN 0>"
            pairs = view.scan()
            store.close()
            with pytest.raises(StoreClosed):
                next(pairs)
        with pytest.raises(StoreClosed):
            store.snapshot_view()
