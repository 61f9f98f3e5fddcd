"""Laws of the store, over whatever hypothesis thinks of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

import veristack_lab.veristore as veristore
from tests.faulty_disk import quick_folder
from tests.kernel_paths import both_paths, running
from veristack_lab.errors import StoreCorrupt
from veristack_lab.veristore import Batch, ObjectStore
from veristack_lab.veristore.experiments import leave_torn_record
from veristack_lab.veristore.memtable.sorted_map import SortedMap
from veristack_lab.veristore.wal import writes
from veristack_lab.veristore.wal.columns import Columns, Pairs, decode_columns, encode_columns
from veristack_lab.veristore.wal.mutations import RecordType, decode, encode_batch, encode_put
from veristack_lab.veristore.wal.segment import HEADER_BYTES

KEYS = st.one_of(st.binary(min_size=1, max_size=3), st.sampled_from([b"a", b"ab", b"abc", b"b"]))
VALUES = st.binary(max_size=40)
CHANGES = st.lists(st.tuples(KEYS, st.none() | VALUES), min_size=1, max_size=8)


def make_batch(changes: list[tuple[bytes, bytes | None]]) -> Batch:
    batch = Batch()
    for key, value in changes:
        batch = batch.delete(key) if value is None else batch.put(key, value)
    return batch


class StoreAgainstDict(RuleBasedStateMachine):
    """Whatever is done in whatever order, the store is a sorted dictionary that survives."""

    def __init__(self) -> None:
        super().__init__()
        self.resources = ExitStack()
        self.folder = self.resources.enter_context(quick_folder())
        self.store = veristore.open(self.folder / "store")
        self.model: dict[bytes, bytes] = {}
        self.last_lsn = 0

    def written(self, lsn: int) -> None:
        assert lsn > self.last_lsn
        self.last_lsn = lsn

    @rule(key=KEYS, value=VALUES)
    def put(self, key: bytes, value: bytes) -> None:
        self.written(self.store.put(key, value))
        self.model[key] = value

    @rule(key=KEYS)
    def delete(self, key: bytes) -> None:
        self.written(self.store.delete(key))
        self.model.pop(key, None)

    @rule(changes=CHANGES)
    def write(self, changes: list[tuple[bytes, bytes | None]]) -> None:
        self.written(self.store.write(make_batch(changes)))
        for key, value in changes:
            if value is None:
                self.model.pop(key, None)
            else:
                self.model[key] = value

    @rule(pairs=st.lists(st.tuples(KEYS, VALUES), min_size=1, max_size=30), regular=st.booleans())
    def put_many(self, pairs: list[tuple[bytes, bytes]], regular: bool) -> None:
        """Of a key that stands there twice, the last value stays, here and after a replay."""
        given = pairs if regular else [list(pair) for pair in pairs]
        self.written(self.store.put_many(given))
        self.model.update(pairs)

    @rule(key=KEYS)
    def get(self, key: bytes) -> None:
        assert self.store.get(key) == self.model.get(key)

    @rule(prefix=st.binary(max_size=2), start=st.none() | KEYS, limit=st.none() | st.integers(0, 5))
    def scan(self, prefix: bytes, start: bytes | None, limit: int | None) -> None:
        wanted = [
            (key, value)
            for key, value in sorted(self.model.items())
            if key.startswith(prefix) and key >= (start or b"")
        ]
        assert list(self.store.scan(prefix, start, limit)) == wanted[:limit]

    @rule()
    def checkpoint(self) -> None:
        self.store.checkpoint()

    @rule(torn=st.integers(0, 200))
    def reopen(self, torn: int) -> None:
        self.store.close()
        if torn:
            torn = leave_torn_record(self.folder / "store", torn)
        self.store = veristore.open(self.folder / "store")
        assert self.store.stats().recovery.torn_bytes == torn

    @invariant()
    def sizes_agree(self) -> None:
        stats = self.store.stats()
        assert stats.keys == len(self.model)
        assert stats.data_bytes == sum(len(k) + len(v) for k, v in self.model.items())

    def teardown(self) -> None:
        self.store.close()
        self.resources.close()


TestStoreAgainstDict = StoreAgainstDict.TestCase
TestStoreAgainstDict.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)


@given(CHANGES)
def test_payloads_come_back(changes: list[tuple[bytes, bytes | None]]) -> None:
    assert list(decode(RecordType.BATCH, encode_batch(changes))) == changes
    for key, value in changes:
        if value is not None:
            assert list(decode(RecordType.PUT, encode_put(key, value))) == [(key, value)]


@given(st.sampled_from(RecordType), st.binary(max_size=60))
def test_a_payload_of_any_bytes_is_understood_or_refused(kind: RecordType, data: bytes) -> None:
    try:
        for key, value in decode(kind, data):
            assert len(key) + len(value or b"") <= len(data)
    except StoreCorrupt:
        pass


@given(
    st.lists(
        st.one_of(
            st.lists(st.tuples(KEYS, st.none() | VALUES), min_size=1, max_size=150),
            st.lists(st.tuples(KEYS, VALUES), min_size=1, max_size=150).map(
                lambda pairs: Pairs(tuple(pairs), sum(len(k) + len(v) for k, v in pairs))
            ),
            st.tuples(st.binary(max_size=2), KEYS),
        ),
        max_size=8,
    )
)
def test_the_map_is_a_sorted_dictionary(steps: list[object]) -> None:
    ours, model = SortedMap(), dict[bytes, bytes]()
    for step in steps:
        if isinstance(step, tuple):
            prefix, start = step
            wanted = [(k, v) for k, v in sorted(model.items()) if k.startswith(prefix)]
            assert ours.scan(prefix, start, None) == [p for p in wanted if p[0] >= start]
        else:
            assert isinstance(step, list | Pairs)
            ours.apply(step)
            for key, value in step:
                if value is None:
                    model.pop(key, None)
                else:
                    model[key] = value
    assert ours.items() == sorted(model.items())
    assert len(ours) == len(model)
    assert ours.size_bytes == sum(len(key) + len(value) for key, value in model.items())


@pytest.fixture
def quick() -> Iterator[Path]:
    with quick_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def small_log(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[int, dict]]]:
    """A short log, and its state at the end of each record."""
    path = tmp_path_factory.mktemp("small") / "store"
    state: dict[bytes, bytes] = {}
    ends = [(HEADER_BYTES, dict(state))]
    with veristore.open(path) as store:
        for number in range(5):
            store.put(b"k%d" % (number % 3), b"v" * number)
            state[b"k%d" % (number % 3)] = b"v" * number
            ends.append((store.stats().log_bytes, dict(state)))
        store.write(Batch().put(b"x", b"1").put(b"y", b"2").delete(b"k0"))
        state = {**state, b"x": b"1", b"y": b"2"}
        del state[b"k0"]
        ends.append((store.stats().log_bytes, dict(state)))
    return path / "log-0000000001", ends


def test_a_log_cut_at_any_byte_recovers_a_prefix(
    small_log: tuple[Path, list[tuple[int, dict]]], quick: Path
) -> None:
    log, ends = small_log
    data = log.read_bytes()
    for cut in range(HEADER_BYTES, len(data) + 1):
        place = quick / str(cut)
        place.mkdir()
        (place / log.name).write_bytes(data[:cut])
        end, wanted = max(pair for pair in ends if pair[0] <= cut)
        with veristore.open(place) as store:
            assert dict(store.scan()) == wanted
            is_whole_mark = cut == len(data)
            torn = b"" if is_whole_mark else data[end:cut].rstrip(b"\0")
            assert store.stats().recovery.torn_bytes == len(torn)
            store.put(b"new", b"write")
        with veristore.open(place) as store:
            assert dict(store.scan()) == {**wanted, b"new": b"write"}, "V1: not behind garbage"


def test_any_flipped_bit_before_the_end_is_refused(
    small_log: tuple[Path, list[tuple[int, dict]]], quick: Path
) -> None:
    """The log was closed by `close`, so its MARK proves that all before it was durable."""
    log, ends = small_log
    data = log.read_bytes()
    place = quick / "store"
    place.mkdir()
    for position in range(HEADER_BYTES, ends[-1][0]):
        damaged = bytearray(data)
        damaged[position] ^= 1 << (position % 8)
        (place / log.name).write_bytes(damaged)
        with pytest.raises(StoreCorrupt, match="Nothing was changed"):
            veristore.open(place, recovery="tolerate-corrupted-tail")
        assert (place / log.name).read_bytes() == damaged


BUCKETS = st.one_of(
    st.sampled_from(["a", "a:b", "b", "ab"]),
    st.text(
        st.characters(exclude_characters="/", exclude_categories=["Cs"]), min_size=1, max_size=5
    ),
)
OBJECT_KEYS = st.one_of(
    st.sampled_from(["k", "b:k", ":k", "a", "\x00", "é", "z", "🙂", "ﬀ"]),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5),
)


@given(st.dictionaries(st.tuples(BUCKETS, OBJECT_KEYS), st.binary(max_size=30), max_size=8))
def test_objects_never_meet_and_list_in_byte_order(wanted: dict[tuple[str, str], bytes]) -> None:
    with quick_folder() as folder, veristore.open(folder / "store") as store:
        objects = ObjectStore(store, chunk_bytes=7)
        for (bucket, key), data in wanted.items():
            objects.create_bucket(bucket)
            objects.put(bucket, key, data)
        for (bucket, key), data in wanted.items():
            assert objects.get(bucket, key) == data
        for bucket in {bucket for bucket, _ in wanted}:
            keys = [key for owner, key in wanted if owner == bucket]
            assert [o.key for o in objects.list(bucket)] == sorted(keys, key=str.encode)
        for bucket, key in wanted:
            objects.delete(bucket, key)
        assert not list(store.scan(b"obj\x00c")), "V17: content goes with its object"
        assert not list(store.scan(b"obj\x00m"))


PAIRS = st.lists(st.tuples(KEYS, VALUES), min_size=1, max_size=12)


@given(PAIRS)
def test_columns_come_back(pairs: list[tuple[bytes, bytes]]) -> None:
    keys, values = [key for key, _ in pairs], [value for _, value in pairs]
    payload = encode_columns(Columns(keys, values), [*map(len, keys)], [*map(len, values)])
    assert list(decode(RecordType.PUT_MANY, payload)) == pairs


@both_paths
@given(pairs=PAIRS)
def test_pairs_make_the_same_record_as_columns(path: str, pairs: list[tuple[bytes, bytes]]) -> None:
    keys, values = [key for key, _ in pairs], [value for _, value in pairs]
    wanted = encode_columns(Columns(keys, values), [*map(len, keys)], [*map(len, values)])
    with running(path):
        kind, payload, changes = writes.put_many(pairs)
    assert (kind, payload, list(changes)) == (RecordType.PUT_MANY, wanted, pairs)


@given(PAIRS, st.data())
def test_damaged_columns_are_refused_or_stay_inside_the_record(
    pairs: list[tuple[bytes, bytes]], data: st.DataObject
) -> None:
    """The head and the tables hold lengths: none may make us read beyond it."""
    keys, values = [key for key, _ in pairs], [value for _, value in pairs]
    payload = encode_columns(Columns(keys, values), [*map(len, keys)], [*map(len, values)])
    at = data.draw(st.integers(0, len(payload) - 1))
    width = data.draw(st.sampled_from([1, 4]))
    damaged = payload[:at] + data.draw(st.binary(min_size=width, max_size=width)) + payload[at:]
    try:
        found = decode_columns(damaged)
    except StoreCorrupt:
        return
    assert all(found.keys)
    assert sum(len(key) + len(value) for key, value in found) < len(damaged)
