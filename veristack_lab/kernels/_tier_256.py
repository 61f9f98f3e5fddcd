"""CRC32C with carry-less multiplication of 256 bits: VPCLMULQDQ with AVX2.

AMD's processors have it since Zen 3, Intel's without AVX-512 since Alder Lake.
"""

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

FOLDING = Folding(256, registers=3)
update = updating(FOLDING, 256, Beside(FOLDING, chains=3, words=4, rounds=64))
begin_many = beginning(batch(256, multiplied=4), BLOCK_RECORDS)
