"""The ways to compute a CRC32C as machine code, from best to worst, each a module of its own.

LLVM aborts the whole process when it is asked for an instruction that the target lacks. So a
tier's module is only imported if numba's effective target (not /proc/cpuinfo: `NUMBA_CPU_NAME`
may say otherwise) has the features; the others are not even compiled.

Each module has `step8`, `step4` and `step1` (bytes through a register), `update` and `finish`
(`(register, data, start, end)`, the second for short data) and `begin_many`, which sums as many
stretches as possible side by side. Importing this module imports numba.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from types import ModuleType

from veristack_lab.kernels._intrinsics import FEATURES
from veristack_lab.kernels._multiply import INSTRUCTION_BITS


@dataclass(frozen=True)
class Tier:
    """One way, and what a processor needs for it in LLVM's words."""

    name: str
    module: str
    features: frozenset[str]
    bits: int = 0
    """Width of its carry-less multiplication; 0 without any."""

    @property
    def available(self) -> bool:
        """Whether the machine code that numba makes here may hold its instructions."""
        return self.features <= FEATURES


_X86 = frozenset({"+crc32"})

TIERS = (
    Tier("512 bits", "_tier_512", _X86 | INSTRUCTION_BITS[512], 512),
    Tier("256 bits", "_tier_256", _X86 | INSTRUCTION_BITS[256], 256),
    Tier("128 bits", "_tier_128", _X86 | INSTRUCTION_BITS[128], 128),
    Tier("crc32 of x86-64", "_tier_instruction", _X86),
    Tier("crc32c of aarch64", "_tier_instruction", frozenset({"+crc"})),
    Tier("slicing-by-8", "_tier_slicing", frozenset()),
)
CHOSEN = next(tier for tier in TIERS if tier.available)
"""The tier that computes checksums here."""
HARDWARE = CHOSEN.name != "slicing-by-8"
"""Whether the processor has an instruction for CRC32C that may be used."""


def loaded(tier: Tier) -> ModuleType:
    """The tier's module; only for a tier that is available."""
    return importlib.import_module(f"veristack_lab.kernels.{tier.module}")
