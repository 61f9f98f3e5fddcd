from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from tests.kernel_paths import both_paths, needs_jit, running
from veristack_lab.kernels import _crc32c_python, _polynomial, crc32c

VALUES = st.integers(0, crc32c.ALL_ONES)


def bytewise(data: bytes, value: int) -> int:
    """One bit after the other, straight from the definition."""
    register = value ^ 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0x82F63B78 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


@both_paths
@given(data=st.binary(max_size=200), value=VALUES)
def test_equals_the_definition(path: str, data: bytes, value: int) -> None:
    with running(path):
        assert crc32c.crc32c(data, value) == bytewise(data, value)


@both_paths
@given(data=st.binary(max_size=200), cut=st.integers(0, 200))
def test_goes_on_from_any_split(path: str, data: bytes, cut: int) -> None:
    with running(path):
        assert crc32c.crc32c(data[cut:], crc32c.crc32c(data[:cut])) == crc32c.crc32c(data)


@given(a=st.binary(max_size=200), b=st.binary(max_size=200))
def test_combine_is_the_checksum_of_both(a: bytes, b: bytes) -> None:
    assert crc32c.combine(crc32c.crc32c(a), crc32c.crc32c(b), len(b)) == crc32c.crc32c(a + b)


@given(a=VALUES, b=VALUES, c=VALUES, m=st.integers(0, 1 << 62), n=st.integers(0, 1 << 62))
def test_combine_is_associative(a: int, b: int, c: int, m: int, n: int) -> None:
    left = crc32c.combine(crc32c.combine(a, b, m), c, n)
    assert left == crc32c.combine(a, crc32c.combine(b, c, n), m + n)


def native_updates() -> dict[str, Callable[..., np.uint64]]:
    from veristack_lab.kernels import _crc32c_native, _slicing, _stripes, _tiers

    found = {"update": _crc32c_native.update, "slicing": _slicing.update_slicing}
    if _tiers.HARDWARE:
        found |= {"stripes": _stripes.update_hardware, "short": _stripes.update_short}
    return found


@needs_jit
@given(seed=VALUES, size=st.integers(0, 40_000), start=st.integers(0, 17))
@example(seed=1, size=3 * 2048, start=0)
@example(seed=1, size=3 * 2048 - 1, start=1)
@example(seed=1, size=6 * 2048, start=3)
@example(seed=1, size=1024, start=1)
@example(seed=1, size=1023, start=5)
@example(seed=1, size=12_288, start=7)
@example(seed=1, size=2 * 12_288 + 257, start=0)
@example(seed=crc32c.ALL_ONES, size=1279, start=0)
def test_all_tiers_agree_on_long_data_at_any_alignment(seed: int, size: int, start: int) -> None:
    data = np.frombuffer(random.Random(seed).randbytes(start + size), np.uint8)
    data.setflags(write=False)
    expected = _crc32c_python.update(seed, data.data[start:])
    found = {
        name: int(update(np.uint64(seed), data, start, start + size))
        for name, update in native_updates().items()
    }
    assert set(found.values()) == {expected}, found


@both_paths
@given(pieces=st.lists(st.binary(max_size=50) | st.just(bytes(700)), max_size=20))
def test_many_equals_one_by_one(path: str, pieces: list[bytes]) -> None:
    offsets = np.cumsum([0, *map(len, pieces)])
    with running(path):
        sums = crc32c.crc32c_many(b"".join(pieces), offsets)
    assert sums.tolist() == [crc32c.crc32c(piece) for piece in pieces]


@both_paths
@given(
    seed=VALUES,
    count=st.integers(0, 60),
    before=st.integers(0, 70),
    odd=st.none() | st.tuples(st.integers(0, 59), st.sampled_from([-64, -1, 1, 8, 64])),
)
@example(seed=1, count=16, before=0, odd=None)
@example(seed=1, count=31, before=3, odd=None)
@example(seed=1, count=48, before=1, odd=None)
@example(seed=1, count=20, before=0, odd=(19, 1))
@example(seed=1, count=20, before=0, odd=(0, -1))
def test_many_records_of_64_bytes_at_any_place(
    path: str, seed: int, count: int, before: int, odd: tuple[int, int] | None
) -> None:
    lengths = [64] * count
    if odd is not None and odd[0] < count:
        lengths[odd[0]] += odd[1]
    offsets = np.cumsum([before, *lengths])
    arena = random.Random(seed).randbytes(int(offsets[-1]) + 5)
    with running(path):
        sums = crc32c.crc32c_many(arena, offsets)
    alone = [
        _crc32c_python.update(crc32c.ALL_ONES, memoryview(arena)[a:b])
        for a, b in pairwise(offsets.tolist())
    ]
    assert sums.tolist() == [register ^ crc32c.ALL_ONES for register in alone]


def test_the_order_of_x_brings_any_register_back() -> None:
    assert _polynomial.power(_polynomial.ORDER) == _polynomial.ONE
