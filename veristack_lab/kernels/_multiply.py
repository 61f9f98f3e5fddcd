"""Carry-less multiplication of registers of any width, and what moves a piece of a message on.

Polynomials over GF(2) are multiplied without carries. The instruction takes 64 bits by 64 of
each lane of 128; processors have it for one lane (128 bits), for two (256) or for four (512).
A register that is wider than the instruction is multiplied in parts, so the same code is right
on all of them, and tests run the wide code on a narrow processor.

Importing this module imports numba.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from llvmlite import ir
from numba.core.cgutils import get_or_insert_function

from veristack_lab.kernels._intrinsics import FEATURES
from veristack_lab.kernels._registers import I64, chosen, joined

INSTRUCTION_BITS = {
    128: frozenset({"+pclmul"}),
    256: frozenset({"+avx2", "+vpclmulqdq"}),
    512: frozenset({"+avx512f", "+vpclmulqdq"}),
}
"""Widths of the instruction, and what a processor needs for each."""
WIDEST_BITS = max(
    (bits for bits, needed in INSTRUCTION_BITS.items() if needed <= FEATURES), default=0
)
"""The widest usable instruction: LLVM aborts the process for a missing one."""

LOW_BY_LOW, HIGH_BY_HIGH = 0x00, 0x11
_I8 = ir.IntType(8)


@dataclass(frozen=True)
class Factors:
    """The powers of x by which the words of a message move on, modulo some polynomial.

    A word of 64 bits is a polynomial whose x^0 stands in bit 63. The instruction's product is
    one x too large.
    """

    power: Callable[[int], int]
    """x^n as a word of 64 bits, for n of at least 0."""

    def word(self, words: int) -> int:
        """What adds a word to the pair of words that begins `words` further on."""
        return self.power(64 * words + 63)

    def pairs(self, distance_bytes: int, lanes: int) -> ir.Constant:
        """What moves each lane, a pair of words, by a distance: two factors for each."""
        low = self.word(distance_bytes // 8)
        high = self.word(distance_bytes // 8 - 1)
        return ir.Constant(ir.VectorType(I64, 2 * lanes), [low, high] * lanes)


def moved(builder: ir.IRBuilder, vector: Any, factors: ir.Constant) -> Any:
    """In each lane the sum of both words' products with their factors."""
    low = product(builder, vector, factors, LOW_BY_LOW)
    return builder.xor(low, product(builder, vector, factors, HIGH_BY_HIGH))


def product(builder: ir.IRBuilder, a: Any, b: Any, which: int) -> Any:
    """The product of one word of each lane of `a` with one of `b`; bits 0 and 4 choose them."""
    words = a.type.count
    if 64 * words <= WIDEST_BITS:
        name = "llvm.x86.pclmulqdq" + ("" if words == 2 else f".{64 * words}")
        kind = ir.FunctionType(a.type, [a.type, a.type, _I8])
        return builder.call(
            get_or_insert_function(builder.module, kind, name), [a, b, ir.Constant(_I8, which)]
        )
    halves = [range(words // 2), range(words // 2, words)]
    parts = [
        product(builder, chosen(builder, a, half), chosen(builder, b, half), which)
        for half in halves
    ]
    return joined(builder, *parts)
