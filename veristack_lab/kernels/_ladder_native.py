"""Every way to compute a CRC32C that this processor has, each as a kernel of its own.

For measuring one beside the other; the store takes the best of them. Importing this module
imports numba. What the target lacks is not in the tables, for it must not even be compiled.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from veristack_lab.kernels import _tiers
from veristack_lab.kernels._crc32c_native import four_together, update, update_many
from veristack_lab.kernels._jit import inlined, kernel
from veristack_lab.kernels._slicing import slice1, update_slicing
from veristack_lab.kernels._stripes import update_hardware, update_short
from veristack_lab.kernels.rungs import INSTRUCTION, INTERLEAVED, SLICING, TABLE, WIDE

_ALL_ONES = np.uint64(0xFFFFFFFF)


@inlined
def _update_bytes(register: np.uint64, data: Any, start: int, end: int) -> np.uint64:
    while start < end:
        register = slice1(register, data[start])
        start += 1
    return register


@kernel
def _table_one(data: Any) -> Any:
    return np.uint32(_update_bytes(_ALL_ONES, data, 0, data.size) ^ _ALL_ONES)


@kernel
def _slicing_one(data: Any) -> Any:
    return np.uint32(update_slicing(_ALL_ONES, data, 0, data.size) ^ _ALL_ONES)


@kernel
def _instruction_one(data: Any) -> Any:
    return np.uint32(update_short(_ALL_ONES, data, 0, data.size) ^ _ALL_ONES)


@kernel
def _interleaved_one(data: Any) -> Any:
    return np.uint32(update_hardware(_ALL_ONES, data, 0, data.size) ^ _ALL_ONES)


@kernel
def _wide_one(data: Any) -> Any:
    return np.uint32(update(_ALL_ONES, data, 0, data.size) ^ _ALL_ONES)


@kernel
def _table_many(data: Any, offsets: Any, sums: Any) -> None:
    for index in range(sums.size):
        register = _update_bytes(_ALL_ONES, data, offsets[index], offsets[index + 1])
        sums[index] = np.uint32(register ^ _ALL_ONES)


@kernel
def _slicing_many(data: Any, offsets: Any, sums: Any) -> None:
    for index in range(sums.size):
        register = update_slicing(_ALL_ONES, data, offsets[index], offsets[index + 1])
        sums[index] = np.uint32(register ^ _ALL_ONES)


@kernel
def _instruction_many(data: Any, offsets: Any, sums: Any) -> None:
    for index in range(sums.size):
        register = update_short(_ALL_ONES, data, offsets[index], offsets[index + 1])
        sums[index] = np.uint32(register ^ _ALL_ONES)


@kernel
def _interleaved_many(data: Any, offsets: Any, sums: Any) -> None:
    whole = sums.size & -4
    for index in range(0, whole, 4):
        four_together(data, offsets, index, sums)
    for index in range(whole, sums.size):
        register = update_short(_ALL_ONES, data, offsets[index], offsets[index + 1])
        sums[index] = np.uint32(register ^ _ALL_ONES)


ONE: dict[str, Callable[..., Any]] = {TABLE: _table_one, SLICING: _slicing_one}
"""`one(data)` is the checksum of a read-only uint8 array."""
MANY: dict[str, Callable[..., Any]] = {TABLE: _table_many, SLICING: _slicing_many}
"""`many(data, offsets, sums)` sums the stretches between offsets that are known to be good."""

if _tiers.HARDWARE:
    ONE |= {INSTRUCTION: _instruction_one, INTERLEAVED: _interleaved_one}
    MANY |= {INSTRUCTION: _instruction_many, INTERLEAVED: _interleaved_many}
if _tiers.CHOSEN.bits:
    ONE[WIDE], MANY[WIDE] = _wide_one, update_many
