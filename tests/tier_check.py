"""Compare every checksum's machine code with its plain-Python twin: `python -m tests.tier_check`.

A process of its own, for numba decides once which processor it makes code for. Prints the tier
that it used, and the modules of tiers that were imported.
"""

from __future__ import annotations

import random
import sys
from itertools import pairwise

from veristack_lab import kernels
from veristack_lab.kernels import _crc32c_python, crc32c, crc64nvme

LENGTHS = (
    0,
    1,
    7,
    8,
    63,
    64,
    255,
    256,
    257,
    511,
    700,
    1024,
    1279,
    6144,
    9216,
    12_288,
    33_000,
    70_001,
)
"""Around each length from which a tier does something else."""
COUNTS = (1, 2, 3, 4, 5, 15, 16, 17, 33)
"""Of records of 64 bytes: none, some and all of them in blocks."""


def one_buffer(data: memoryview) -> None:
    for start in (0, 1, 13):
        for length in LENGTHS:
            piece = data[start : start + length]
            seed = length * 0x9E3779B1 & crc32c.ALL_ONES
            expected = _crc32c_python.update(seed ^ crc32c.ALL_ONES, piece) ^ crc32c.ALL_ONES
            found = crc32c.crc32c(piece, seed)
            assert found == expected, f"crc32c of {length} bytes from {start}"


def other_polynomial(data: memoryview) -> None:
    ones = crc64nvme.ALL_ONES
    for length in LENGTHS:
        piece = data[3 : 3 + length]
        expected = crc64nvme.update(ones, piece) ^ ones
        assert crc64nvme.crc64nvme(piece) == expected, f"crc64nvme of {length} bytes"


def many(data: memoryview) -> None:
    whole = [(64, count) for count in COUNTS]
    for size, count in [*whole, (63, 17), (100, 9), (2000, 5), (0, 3)]:
        offsets = [5 + size * index for index in range(count + 1)]
        compare(data, offsets)
        compare(data, [*offsets, offsets[-1] + 9])


def compare(data: memoryview, offsets: list[int]) -> None:
    ones = crc32c.ALL_ONES
    expected = [_crc32c_python.update(ones, data[a:b]) ^ ones for a, b in pairwise(offsets)]
    found = crc32c.crc32c_many(data, offsets).tolist()
    assert found == expected, f"crc32c_many with offsets {offsets}"


def main() -> None:
    assert kernels.load()
    data = memoryview(random.Random(9).randbytes(max(LENGTHS) + 13))
    one_buffer(data)
    other_polynomial(data)
    many(data)
    from veristack_lab.kernels import _tiers

    print(_tiers.CHOSEN.name)
    print(*(name.rsplit(".", 1)[1] for name in sys.modules if "kernels._tier_" in name))


if __name__ == "__main__":
    main()
