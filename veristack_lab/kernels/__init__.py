"""Machine code where Python is too slow, each kernel with a plain-Python twin.

The twin is the kernel's oracle in tests, its fallback without numba, and the faster of the two for
a few items. Importing this package imports no numba; `_jit` says when that happens.
"""

from __future__ import annotations

from veristack_lab.kernels._jit import jit_enabled
from veristack_lab.kernels._warm import load, warm
from veristack_lab.kernels.ladder import crc_ladder

__all__ = ["crc_ladder", "jit_enabled", "load", "warm"]
