"""CRC32C with carry-less multiplication of 128 bits: PCLMULQDQ, every x86-64 since 2010."""

from __future__ import annotations

from veristack_lab.kernels._batch import BLOCK_RECORDS, batch
from veristack_lab.kernels._beside import Beside
from veristack_lab.kernels._folding import Folding
from veristack_lab.kernels._instruction import crc32_u8 as step1
from veristack_lab.kernels._instruction import crc32_u32 as step4
from veristack_lab.kernels._instruction import crc32_u64 as step8
from veristack_lab.kernels._stripes import update_short as finish
from veristack_lab.kernels._wide import beginning, updating

__all__ = ["begin_many", "finish", "step1", "step4", "step8", "update"]

FOLDING = Folding(128, registers=3)
update = updating(FOLDING, 256, Beside(FOLDING, chains=3, words=4, rounds=64))
begin_many = beginning(batch(128, multiplied=2), BLOCK_RECORDS)
