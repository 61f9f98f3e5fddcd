"""Pairs read by machine code and by Python: the same lengths, the same bytes, the same refusals."""

from __future__ import annotations

import re
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kernel_paths import both_paths, needs_jit, running
from veristack_lab.kernels.pairs import fill, measure


class Bytes(bytes):
    """Not bytes, exactly."""


class Two(tuple[bytes, bytes]):
    """Not a tuple, exactly."""

    __slots__ = ()


PAIRS = st.lists(st.tuples(st.binary(max_size=300), st.binary(max_size=40)), min_size=1).map(tuple)
ODD: list[Any] = [
    [b"k", b"v"],
    (),
    (b"k",),
    (b"k", b"v", b"w"),
    Two((b"k", b"v")),
    (Bytes(b"k"), b"v"),
    (b"k", Bytes(b"v")),
    ("k", b"v"),
    (b"k", bytearray(b"v")),
    (memoryview(b"k"), b"v"),
    (b"k", None),
    b"kv",
    "kv",
    7,
    None,
    {b"k": b"v", b"w": b"x"},
]


@both_paths
@given(pairs=PAIRS, head=st.binary(max_size=20))
def test_the_columns_stand_behind_the_head(
    path: str, pairs: tuple[tuple[bytes, bytes], ...], head: bytes
) -> None:
    keys, values = [key for key, _ in pairs], [value for _, value in pairs]
    before = bytes(head)
    with running(path):
        found = measure(pairs)
        assert found is not None
        filled = fill(head, found)
    assert type(filled) is bytes
    assert filled == before + b"".join(keys) + b"".join(values)
    for column, items in zip((found.keys, found.values), (keys, values), strict=True):
        lengths = [*map(len, items)]
        assert [*column.lengths] == lengths
        assert tuple(column)[1:] == (sum(lengths), min(lengths), max(lengths))
    assert found.size_bytes == sum(map(len, keys)) + sum(map(len, values))


@both_paths
@pytest.mark.parametrize("odd", ODD, ids=lambda odd: re.sub(" at 0x[0-9a-f]+", "", repr(odd)))
@pytest.mark.parametrize("position", [0, 20, 39])
def test_anything_but_tuples_of_two_bytes_is_not_measured(
    path: str, odd: Any, position: int
) -> None:
    pairs: list[Any] = [(b"k%d" % number, b"v") for number in range(40)]
    with running(path):
        assert measure(tuple(pairs)) is not None
        pairs[position] = odd
        assert measure(tuple(pairs)) is None


@both_paths
def test_references_are_neither_taken_nor_lost(path: str) -> None:
    key, value = bytes([1, 2, 3]) * 5, bytes([4, 5, 6]) * 9
    pairs = ((key, value),) * 40
    pair = pairs[0]
    before = [sys.getrefcount(thing) for thing in (key, value, pair, pairs)]
    with running(path):
        for _ in range(50):
            found = measure(pairs)
            assert found is not None
            fill(b"head", found)
    del found
    assert [sys.getrefcount(thing) for thing in (key, value, pair, pairs)] == before


@needs_jit
def test_where_objects_lie_otherwise_python_reads_them(monkeypatch: pytest.MonkeyPatch) -> None:
    from veristack_lab.kernels import _pairs_native

    assert _pairs_native.KNOWS_OBJECTS, "or the machine code is never run here"
    monkeypatch.setattr(_pairs_native, "KNOWS_OBJECTS", False)
    pairs = ((b"key", b"value"),) * 40
    with running("machine code"):
        found = measure(pairs)
        assert found is not None
        assert found.places is None
        assert fill(b"head", found) == b"head" + b"key" * 40 + b"value" * 40
