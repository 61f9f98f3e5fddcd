"""This processor's instruction for CRC32C; import it only on a processor that has one.

Importing this module imports numba.
"""

from __future__ import annotations

from veristack_lab.kernels._intrinsics import FEATURES

if "+crc" in FEATURES:
    from veristack_lab.kernels._instruction_arm import crc32_u8, crc32_u32, crc32_u64
else:
    from veristack_lab.kernels._instruction_x86 import crc32_u8, crc32_u32, crc32_u64

__all__ = ["crc32_u8", "crc32_u32", "crc32_u64"]
