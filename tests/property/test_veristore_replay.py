"""Fast replay is simple replay: a record at a time, in order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.histories import encode
from veristack_lab.errors import StoreCorrupt
from veristack_lab.kernels import records
from veristack_lab.veristore.recovery.replay import Values, replay, without_deleted
from veristack_lab.veristore.wal.mutations import Change, RecordType, decode
from veristack_lab.veristore.wal.segment import Window

KEYS = st.sampled_from([b"a", b"b", b"c", b"dd", b"eee"])
VALUES = st.one_of(st.just(b"same"), st.just(b""), st.binary(max_size=9))
PUT = st.tuples(KEYS, VALUES).map(lambda pair: [pair])
DELETE = KEYS.map(lambda key: [(key, None)])
MANY = st.lists(st.tuples(KEYS, st.none() | VALUES), min_size=2, max_size=4)
RUNS = st.lists(
    st.one_of(
        *(
            st.lists(kind, min_size=low, max_size=high)
            for kind in (PUT, DELETE, MANY, PUT | DELETE, PUT | MANY)
            for low, high in ((1, 3), (20, 40))
        )
    ),
    max_size=5,
)


def window_of(encoded: list[tuple[int, bytes]]) -> Window:
    types, payloads = [kind for kind, _ in encoded], [payload for _, payload in encoded]
    buffer = records.frame_records(payloads, types, 7, 3)
    decoded = records.decode_records(buffer, 0, 7, 3, 1 << 20)
    assert len(decoded) == len(encoded)
    return Window(buffer, 7, decoded, len(buffer))


def replay_simply(encoded: list[tuple[int, bytes]]) -> dict[bytes, bytes]:
    values: dict[bytes, bytes] = {}
    for kind, payload in encoded:
        for key, value in decode(kind, payload):
            if value is None:
                values.pop(key, None)
            else:
                values[key] = value
    return values


@given(RUNS, st.integers(0, 60))
def test_fast_replay_is_simple_replay(runs: list[list[list[Change]]], skip: int) -> None:
    encoded = [encode(changes) for run in runs for changes in run]
    encoded.append((RecordType.MARK, b""))
    values: Values = {}
    applied = replay(window_of(encoded), values, skip)
    assert applied == max(0, len(encoded) - skip)
    assert without_deleted(values) == replay_simply(encoded[skip:])


@given(st.lists(PUT, min_size=17, max_size=30), st.integers(0, 29), st.binary(max_size=8))
def test_a_put_that_contradicts_itself_is_refused(
    run: list[list[Change]], place: int, payload: bytes
) -> None:
    """It has a right checksum, so it was written wrong; nothing outside it may be read for it."""
    encoded = [encode(changes) for changes in run]
    encoded.insert(place % len(encoded), (RecordType.PUT, payload))
    is_wrong = len(payload) < 4 or int.from_bytes(payload[:4], "little") > len(payload) - 4
    if is_wrong:
        with pytest.raises(StoreCorrupt):
            replay(window_of(encoded), {})
    else:
        values: Values = {}
        replay(window_of(encoded), values)
        assert values == replay_simply(encoded)


def test_a_run_of_one_shape_and_a_run_of_many_agree() -> None:
    alike = [encode([(b"%04d" % n, b"v%d" % (n % 10))]) for n in range(100)]
    mixed = [encode([(b"%04d" % n, b"v" * (n % 7))]) for n in range(100)]
    for encoded in (alike, mixed, alike + mixed, mixed[:50] + [encode([(b"0001", None)])] * 20):
        values: Values = {}
        replay(window_of(encoded), values)
        assert without_deleted(values) == replay_simply(encoded)
