"""Each way to compute a CRC, forced by the features that numba is told of."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.kernel_paths import needs_jit
from tests.processors import processor
from veristack_lab import kernels
from veristack_lab.kernels import _crc32c_python, crc64nvme

TIERS = {
    "512 bits": ("_tier_512", "+crc32,+sse4.2,+pclmul,+avx2,+avx512f,+vpclmulqdq"),
    "256 bits": ("_tier_256", "+crc32,+sse4.2,+pclmul,+avx2,-avx512f,+vpclmulqdq"),
    "128 bits": ("_tier_128", "+crc32,+sse4.2,+pclmul,+avx2,-vpclmulqdq"),
    "crc32 of x86-64": ("_tier_instruction", "+crc32,+sse4.2,-pclmul"),
    "crc32c of aarch64": ("_tier_instruction", "+crc"),
    "slicing-by-8": ("_tier_slicing", "+sse4.2,+pclmul,-crc32"),
}
"""For each its module, and a processor that lacks just one thing for the next better tier."""
ROOT = Path(__file__).parents[2]
ONES = 0xFFFFFFFF


def checked(features: str) -> list[str]:
    """What `tests.tier_check` prints where numba believes in these features alone."""
    environment = {**os.environ, **processor(features), "VERISTACK_JIT": "auto"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.tier_check"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("tier", TIERS)
def test_each_tier_gives_the_twins_answers_and_no_other_is_touched(tier: str) -> None:
    # Mentioning an instruction that the target lacks would end the process in LLVM.
    module, features = TIERS[tier]
    assert checked(features) == [tier, module]


@needs_jit
def test_the_registry_goes_from_best_to_least_and_the_last_runs_anywhere() -> None:
    from veristack_lab.kernels import _tiers

    assert [tier.name for tier in _tiers.TIERS] == list(TIERS)
    assert _tiers.TIERS[-1].features == frozenset()
    for tier in _tiers.TIERS:
        module, features = TIERS[tier.name]
        assert tier.module == module
        assert tier.features <= set(features.split(","))
        means = _tiers.loaded(tier)  # nothing is compiled before it is called
        assert {"begin_many", "finish", "step1", "step4", "step8", "update"} <= set(dir(means))


@pytest.fixture(scope="module")
def data() -> np.ndarray:
    if not kernels.jit_enabled():
        pytest.skip("JIT is off in this run")
    from veristack_lab.kernels._multiply import WIDEST_BITS

    if not WIDEST_BITS:
        pytest.skip("this processor multiplies no polynomials")
    return np.frombuffer(random.Random(4).randbytes(5000), np.uint8)


@pytest.mark.parametrize("bits", [128, 256, 512])
def test_wide_registers_fold_right_with_whatever_instruction_there_is(data, bits: int) -> None:
    # A register is multiplied in parts where the instruction is narrower: so the constants and
    # the order of lanes of 512 bits are tested on a processor of 256.
    import numba

    from veristack_lab.kernels._crc64_native import FOLDING
    from veristack_lab.kernels._folding import Folding, folding

    shape, other = Folding(bits), Folding(bits, FOLDING.factors)
    fold, fold_other = folding(shape), folding(other)

    @numba.njit
    def both(register, data, start, blocks):
        return fold(register, data, start, blocks), fold_other(register, data, start, blocks)

    for blocks in (1, 2, 7):
        piece = data[3 : 3 + blocks * shape.block_bytes].data
        rest, rest_other = both(np.uint64(ONES), data, 3, blocks)
        left = b"".join(int(word).to_bytes(8, "little") for word in rest)
        assert _crc32c_python.update(0, memoryview(left)) == _crc32c_python.update(ONES, piece)
        left = b"".join(int(word).to_bytes(8, "little") for word in rest_other)
        assert crc64nvme.update(0, memoryview(left)) == crc64nvme.update(ONES, piece)


@pytest.mark.parametrize("bits", [128, 256, 512])
def test_each_wide_tier_updates_right_with_whatever_instruction_there_is(data, bits: int) -> None:
    from veristack_lab.kernels import _tiers

    if not _tiers.HARDWARE:
        pytest.skip("this processor has no crc32 instruction")
    (tier,) = (tier for tier in _tiers.TIERS if tier.bits == bits)
    update = _tiers.loaded(tier).update
    for length in (0, 100, 255, 256, 1023, 1024, 1300, 4900):
        found = update(np.uint64(ONES), data, 3, 3 + length)
        assert found == _crc32c_python.update(ONES, data[3 : 3 + length].data)


@pytest.mark.parametrize(("bits", "multiplied"), [(512, 4), (256, 4), (256, 3), (128, 4), (128, 2)])
def test_batches_are_right_for_any_width_and_share(data, bits: int, multiplied: int) -> None:
    import numba

    from veristack_lab.kernels import _tiers
    from veristack_lab.kernels._batch import batch

    if not _tiers.HARDWARE:
        pytest.skip("this processor has no crc32 instruction")
    sum_blocks = batch(bits, multiplied)

    @numba.njit
    def run(data, start, sums, blocks):
        sum_blocks(data, start, sums, blocks)

    sums = np.zeros(21, np.uint32)
    run(data, 5, sums, 5)
    starts = range(5, 5 + 64 * 20, 64)
    expected = [_crc32c_python.update(ONES, data[at : at + 64].data) ^ ONES for at in starts]
    assert sums.tolist() == [*expected, 0]


@needs_jit
@pytest.mark.parametrize(
    ("piece", "instruction"),
    [("crc32_u64", "crc32cx"), ("crc32_u32", "crc32cw"), ("crc32_u8", "crc32cb")],
)
def test_the_instructions_of_aarch64_compile_for_it(piece: str, instruction: str) -> None:
    # No more than that can be tested on another processor.
    from llvmlite import binding, ir
    from numba import types

    from veristack_lab.kernels import _instruction_arm

    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    triple = "aarch64-unknown-linux-gnu"
    try:
        target = binding.Target.from_triple(triple)
    except RuntimeError:
        pytest.skip("this LLVM makes no code for aarch64")
    signature, generate = getattr(_instruction_arm, piece)._defn(None, None, None)
    assert signature.return_type == types.uint64
    widths = [ir.IntType(kind.bitwidth) for kind in signature.args]
    module = ir.Module()
    module.triple = triple
    function = ir.Function(module, ir.FunctionType(ir.IntType(64), widths), "step")
    builder = ir.IRBuilder(function.append_basic_block())
    builder.ret(generate(None, builder, signature, function.args))
    parsed = binding.parse_assembly(str(module))
    parsed.verify()
    code = target.create_target_machine(features="+crc").emit_assembly(parsed)
    assert code.count(f"\t{instruction}\t") == 1
