"""CRC-64/NVME: published values, and machine code against plain Python."""

from __future__ import annotations

import random

import pytest

from veristack_lab.errors import InvalidInput
from veristack_lab.kernels import crc64nvme as module
from veristack_lab.kernels._crc64_polynomial import POLYNOMIAL
from veristack_lab.kernels._jit import jit_enabled
from veristack_lab.kernels.crc64nvme import ALL_ONES, crc64nvme, update


def plain(data: bytes) -> int:
    return update(ALL_ONES, memoryview(data)) ^ ALL_ONES


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        # the check value of the catalogue of parametrised CRC algorithms, and the test cases of
        # the NVM Command Set Specification
        (b"123456789", 0xAE8B14860A799888),
        (bytes(4096), 0x6482D367EB22B64E),
        (b"\xff" * 4096, 0xC0DDBA7302ECA3AC),
        (b"", 0),
    ],
)
def test_published_values(data: bytes, wanted: int) -> None:
    assert plain(data) == wanted
    assert crc64nvme(data) == wanted


def test_bit_by_bit() -> None:
    data = random.Random(1).randbytes(100)
    register = ALL_ONES
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (POLYNOMIAL if register & 1 else 0)
    assert crc64nvme(data) == register ^ ALL_ONES


@pytest.mark.skipif(not jit_enabled(), reason="numba is switched off")
def test_machine_code_agrees() -> None:
    import numpy as np

    native = module._native()
    rng = random.Random(2)
    for size in [*range(40), 1000, 4099]:
        data = rng.randbytes(size)
        found = native.update(np.uint64(ALL_ONES), np.frombuffer(data, np.uint8))
        assert int(found) ^ ALL_ONES == plain(data)


def test_pieces_are_as_good_as_the_whole() -> None:
    data = random.Random(3).randbytes(300)
    for cut in range(0, 301, 7):
        assert crc64nvme(data[cut:], crc64nvme(data[:cut])) == plain(data)
    with pytest.raises(InvalidInput):
        crc64nvme(b"", 1 << 64)
