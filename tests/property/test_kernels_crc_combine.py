"""Combining CRCs against computing them."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veristack_lab.errors import InvalidInput
from veristack_lab.kernels import crc32c as crc32c_module
from veristack_lab.kernels.crc32c import crc32c
from veristack_lab.kernels.crc64nvme import crc64nvme
from veristack_lab.kernels.crc_combine import CRC32, CRC32C, CRC64NVME, MAX_LENGTH, CrcField

FIELDS: list[tuple[CrcField, Callable[[bytes], int]]] = [
    (CRC32, zlib.crc32),
    (CRC32C, crc32c),
    (CRC64NVME, crc64nvme),
]


@pytest.mark.parametrize(("field", "function"), FIELDS, ids=["crc32", "crc32c", "crc64nvme"])
@given(parts=st.lists(st.binary(max_size=60), max_size=5))
def test_the_crc_of_all_parts_is_that_of_the_whole(
    field: CrcField, function: Callable[[bytes], int], parts: list[bytes]
) -> None:
    combined = field.combine_all((function(part), len(part)) for part in parts)
    assert combined == function(b"".join(parts))


@given(
    a=st.integers(0, 2**32 - 1), b=st.integers(0, 2**32 - 1), length=st.integers(0, MAX_LENGTH - 1)
)
def test_crc32c_is_combined_as_the_kernel_does_it(a: int, b: int, length: int) -> None:
    assert CRC32C.combine(a, b, length) == crc32c_module.combine(a, b, length)


@pytest.mark.parametrize("length", [-1, MAX_LENGTH])
def test_lengths_that_are_none(length: int) -> None:
    for field, _ in FIELDS:
        with pytest.raises(InvalidInput, match="length"):
            field.combine(1, 2, length)
