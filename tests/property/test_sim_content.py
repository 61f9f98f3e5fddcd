"""What a simulated file holds: bytes in every respect, and shared where nothing was written."""

from __future__ import annotations

import tracemalloc

from hypothesis import given, settings
from hypothesis import strategies as st

from veristack_lab.sim.disk.content import Content
from veristack_lab.sim.disk.inode import FileState, digest

PLACES = st.sampled_from([0, 1, 511, 4095, 4096, 4097, 8191, 8192, 9000])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), PLACES, st.sampled_from([0, 1, 100, 4096, 5000])),
        st.tuples(st.just("resize"), PLACES, st.just(0)),
    ),
    max_size=8,
)


def overlaid(old: bytes, offset: int, data: bytes) -> bytes:
    return old[:offset].ljust(offset, b"\0") + data + old[offset + len(data) :]


@given(steps=STEPS, start=st.sampled_from([0, 10, 4096, 10_000]), cut=PLACES, end=PLACES)
def test_it_is_what_the_same_bytes_would_be(
    steps: list[tuple[str, int, int]], start: int, cut: int, end: int
) -> None:
    model = bytes(range(256)) * 40
    model = model[:start]
    content = Content(model)
    for number, (kind, place, size) in enumerate(steps):
        if kind == "write":
            content = content.written(place, bytes([65 + number]) * size)
            model = overlaid(model, place, bytes([65 + number]) * size)
        else:
            content = content.resized(place)
            model = model[:place].ljust(place, b"\0")
        assert (len(content), content[cut:end], content[place:]) == (
            len(model),
            model[cut:end],
            model[place:],
        )
    assert content == model
    assert Content(model) == content
    assert hash(content) == hash(model)
    assert (bytes(content), list(content[:3]), list(content)) == (model, list(model[:3]), [*model])
    assert content.digest() == Content(model).digest() == digest(model)
    assert model[cut:end] in content
    assert content != Content(model + b"x")


ROW = 256 * 1024
EDGES = st.sampled_from([0, 4095, ROW - 4096, ROW - 1, ROW, ROW + 1, 2 * ROW - 1, 2 * ROW + 5])


@given(
    steps=st.lists(
        st.tuples(st.booleans(), EDGES, st.sampled_from([0, 1, 4096, 5000, ROW, ROW + 1])),
        max_size=5,
    ),
    start=EDGES,
    cut=EDGES,
)
@settings(max_examples=60, deadline=None)
def test_it_is_what_the_same_bytes_would_be_where_rows_of_pages_meet(
    steps: list[tuple[bool, int, int]], start: int, cut: int
) -> None:
    model = bytes(range(251)) * (start // 251) + bytes(start % 251)
    content = Content(model)
    for number, (is_write, place, size) in enumerate(steps):
        if is_write:
            content = content.written(place, bytes([65 + number]) * size)
            model = overlaid(model, place, bytes([65 + number]) * size)
        else:
            content = content.resized(place)
            model = model[:place].ljust(place, b"\0")
        assert (len(content), content[cut : cut + 5000]) == (len(model), model[cut : cut + 5000])
    assert content.digest() == digest(model)
    assert bytes(content) == model


def test_a_small_write_to_a_long_file_shares_all_its_rows_but_one() -> None:
    before = Content(bytes(64 * ROW)).written(0, b"x")
    after = before.written(40 * ROW + 5000, b"data")
    rows = list(zip(before._in_rows(), after._in_rows(), strict=True))
    assert len(rows) == 64
    assert [number for number, (old, new) in enumerate(rows) if old is not new] == [40]
    old, new = rows[40]
    assert [number for number in range(64) if old[number] is not new[number]] == [1]


def test_a_sync_of_what_the_device_got_as_asked_copies_nothing() -> None:
    state = FileState.at_rest(Content(bytes(ROW))).written(ROW, b"more", None).truncated(ROW + 2)
    assert state.synced().durable is state.cached
    flipped = state.written(0, b"a", (0, b"b")).synced()
    assert (flipped.cached[0:1], flipped.durable[0:1]) == (b"a", b"b")
    assert flipped.written(5, b"c", None).synced().durable[0:1] == b"b", "what was lost stays lost"


def test_a_write_leaves_the_content_before_it_as_it_was() -> None:
    before = Content(b"a" * 10_000)
    after = before.written(4000, b"b" * 200)
    assert bytes(before) == b"a" * 10_000
    assert after == b"a" * 4000 + b"b" * 200 + b"a" * 5800


def test_a_thousand_writes_to_a_large_file_copy_little_of_it() -> None:
    file = FileState.at_rest(Content(bytes(4 * 1024 * 1024))).written(0, b"x", None)
    states = [file]
    tracemalloc.start()
    for number in range(200):
        states.append(states[-1].written(number * 1000, b"data", None))
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 16 * 1024 * 1024  # whole copies would be 800 MiB
    assert len(states[0].cached) == len(states[-1].cached) == 4 * 1024 * 1024
