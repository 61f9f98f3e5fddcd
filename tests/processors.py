"""Let numba make code for a lesser processor than this one, in a process of its own.

LLVM makes code for whatever it is told to, and the processor ends a process that runs an
instruction it lacks (SIGILL). So a test asks here before it names a processor to numba.
"""

from __future__ import annotations

import functools

import pytest

from veristack_lab import kernels


@functools.cache
def host_features() -> frozenset[str]:
    """What this processor can do, in LLVM's words without a sign: `crc32`, `avx512f`."""
    from llvmlite import binding

    return frozenset(name for name, present in binding.get_host_cpu_features().items() if present)


def lacking(features: str) -> list[str]:
    """Which of these features (`+crc32,-avx512f`) are demanded although the host lacks them."""
    demanded = [word[1:] for word in features.split(",") if word.startswith("+")]
    return [name for name in demanded if name not in host_features()]


def processor(features: str) -> dict[str, str]:
    """The environment of a process whose numba believes in exactly these features.

    All others belong to the family's oldest processor, which any host can stand for. Skips the
    test where numba is off, or where the host lacks one of the features.
    """
    if not kernels.jit_enabled():
        pytest.skip("JIT is off in this run")
    missing = lacking(features)
    if missing:
        pytest.skip(f"this processor lacks {', '.join(missing)}")
    return {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": features}
