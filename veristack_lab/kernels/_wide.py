"""CRC32C by carry-less multiplication as functions of numba, from the pieces in LLVM IR.

Importing this module imports numba.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from veristack_lab.kernels._beside import Beside, beside
from veristack_lab.kernels._folding import Folding, folding
from veristack_lab.kernels._instruction_x86 import crc32_u64
from veristack_lab.kernels._jit import inlined
from veristack_lab.kernels._stripes import update_short


def updating(shape: Folding, least_bytes: int, block_shape: Beside | None = None) -> Any:
    """`update(register, data, start, end)`: blocks, then folding, then the instruction alone.

    Args:
        shape: how to fold.
        least_bytes: below, adding up the folded registers costs more than folding saves.
        block_shape: how long data is cut for both units of the processor, if it is.
    """
    fold, fold_bytes = folding(shape), shape.block_bytes

    @inlined
    def folded(register: np.uint64, data: Any, start: int, end: int) -> np.uint64:
        if end - start >= least_bytes:
            blocks = (end - start) // fold_bytes
            first, second = fold(register, data, start, blocks)
            register = crc32_u64(crc32_u64(np.uint64(0), first), second)
            start += blocks * fold_bytes
        return update_short(register, data, start, end)

    if block_shape is None:
        return folded
    block, block_bytes = beside(block_shape), block_shape.block_bytes

    @inlined
    def update(register: np.uint64, data: Any, start: int, end: int) -> np.uint64:
        while end - start >= block_bytes:
            register = block(register, data, start)
            start += block_bytes
        return folded(register, data, start, end)

    return update


def beginning(sum_blocks: Any, block_records: int) -> Any:
    """`begin_many(data, offsets, sums)`: the checksums of records of 64 bytes, by blocks.

    It returns how many were summed. If any, all offsets are good, including those of the records
    that fill no block.

    Args:
        sum_blocks: `sum_blocks(data, start, sums, blocks)`.
        block_records: how many records a block has.
    """
    record_bytes = 64

    @inlined
    def begin_many(data: Any, offsets: Any, sums: Any) -> Any:
        blocks = sums.size // block_records
        if blocks == 0 or not _all_of(record_bytes, data, offsets):
            return 0
        sum_blocks(data, offsets[0], sums, blocks)
        return blocks * block_records

    return begin_many


@inlined
def _all_of(length: int, data: Any, offsets: Any) -> bool:
    """Whether the stretches follow each other in the arena and all have this length."""
    first, count = offsets[0], offsets.size - 1
    different = 0
    for index in range(count + 1):
        different |= offsets[index] ^ (first + length * index)
    return different == 0 and first >= 0 and first + length * count <= data.size
