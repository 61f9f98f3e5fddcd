from __future__ import annotations

import numpy as np
import pytest

from tests.kernel_paths import both_paths, running
from veristack_lab import kernels
from veristack_lab.errors import InvalidInput
from veristack_lab.kernels import crc32c

READ_10 = bytes.fromhex(
    "01c00000 00000000 00000000 00000000 14000000 00000400"
    "00000014 00000018 28000000 00000000 02000000 00000000"
)
VECTORS = {
    "check value": (b"123456789", 0xE3069283),
    "32 bytes of zeroes": (bytes(32), 0x8A9136AA),
    "32 bytes of ones": (b"\xff" * 32, 0x62A8AB43),
    "incrementing": (bytes(range(32)), 0x46DD794E),
    "decrementing": (bytes(range(31, -1, -1)), 0x113FDB5C),
    "iSCSI SCSI Read (10)": (READ_10, 0xD9963A56),
    "nothing": (b"", 0),
}


@both_paths
@pytest.mark.parametrize("name", VECTORS)
def test_published_values(path: str, name: str) -> None:
    data, expected = VECTORS[name]
    with running(path):
        assert crc32c.crc32c(data) == expected


@both_paths
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, lambda d: np.frombuffer(d, "u1")])
def test_any_contiguous_buffer(path: str, kind) -> None:
    with running(path):
        assert crc32c.crc32c(kind(b"123456789")) == 0xE3069283


@both_paths
def test_a_view_into_the_middle_of_a_buffer(path: str) -> None:
    with running(path):
        assert crc32c.crc32c(memoryview(b"..123456789.")[2:-1]) == 0xE3069283


@both_paths
def test_a_writable_buffer_stays_writable(path: str) -> None:
    array = np.frombuffer(bytearray(b"123456789"), np.uint8)
    with running(path):
        crc32c.crc32c(array)
    array[0] = 7
    assert array.flags.writeable


def test_a_buffer_with_gaps_is_refused() -> None:
    with pytest.raises(InvalidInput, match="contiguous"):
        crc32c.crc32c(memoryview(b"123456789")[::2])


@pytest.mark.parametrize("value", [-1, 1 << 32])
def test_a_start_value_that_is_no_checksum_is_refused(value: int) -> None:
    with pytest.raises(InvalidInput, match="not a CRC32C"):
        crc32c.crc32c(b"a", value)


@both_paths
def test_many_at_once(path: str) -> None:
    with running(path):
        sums = crc32c.crc32c_many(b"..123456789", [0, 2, 2, 11])
    assert sums.tolist() == [crc32c.crc32c(b".."), 0, 0xE3069283]
    assert sums.dtype == np.uint32


@both_paths
@pytest.mark.parametrize(
    ("offsets", "bad"), [([0, 3, 2], 1), ([0, 9], 0), ([-1, 2], 0), ([0, 1, 1 << 40], 1)]
)
def test_offsets_outside_the_arena_are_refused(path: str, offsets: list[int], bad: int) -> None:
    with running(path), pytest.raises(InvalidInput, match=f"item {bad} goes from"):
        crc32c.crc32c_many(b"abcd", offsets)


@pytest.mark.parametrize("offsets", [[], [[0, 1]], [0.5, 1.5]])
def test_offsets_that_are_none_are_refused(offsets: list) -> None:
    with pytest.raises(InvalidInput, match="whole numbers"):
        crc32c.crc32c_many(b"abcd", offsets)


@pytest.mark.parametrize("length", [-1, 1 << 64])
def test_combining_over_an_impossible_length_is_refused(length: int) -> None:
    with pytest.raises(InvalidInput, match="negative"):
        crc32c.combine(1, 2, length)


def test_the_tier_is_python_exactly_when_jit_is_off() -> None:
    assert (crc32c.tier() == "python") == (not kernels.jit_enabled())
