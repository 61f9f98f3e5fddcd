"""CRC32C with carry-less multiplication of 512 bits: AVX-512 with VPCLMULQDQ."""

from __future__ import annotations

from veristack_lab.kernels import _batch_512
from veristack_lab.kernels._folding import Folding
from veristack_lab.kernels._instruction import crc32_u8 as step1
from veristack_lab.kernels._instruction import crc32_u32 as step4
from veristack_lab.kernels._instruction import crc32_u64 as step8
from veristack_lab.kernels._stripes import update_short as finish
from veristack_lab.kernels._wide import beginning, updating

__all__ = ["begin_many", "finish", "step1", "step4", "step8", "update"]

update = updating(Folding(512), least_bytes=1024)
begin_many = beginning(_batch_512.sum_blocks, _batch_512.BLOCK_RECORDS)
