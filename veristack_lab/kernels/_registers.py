"""Registers of several words, and loops around them, as LLVM IR.

Importing this module imports numba.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from llvmlite import ir

I32, I64 = ir.IntType(32), ir.IntType(64)


def i64(value: int) -> ir.Constant:
    """A constant of 64 bits."""
    return ir.Constant(I64, value)


@contextmanager
def counted(
    builder: ir.IRBuilder, start: Any, stop: Any, carried: Sequence[Any]
) -> Iterator[tuple[Any, list[Any], list[Any]]]:
    """A loop's body: its index from `start` up to `stop`, the values it carries, and a list.

    The body appends to the list what each value is in the next round. After the loop the carried
    values are those of the last round, or the initial ones if there was no round.
    """
    before, head = builder.block, builder.append_basic_block("loop.head")
    body, after = builder.append_basic_block("loop.body"), builder.append_basic_block("loop.after")
    builder.branch(head)
    builder.position_at_end(head)
    index = builder.phi(I64)
    values = [builder.phi(first.type) for first in carried]
    builder.cbranch(builder.icmp_signed("<", index, stop), body, after)
    builder.position_at_end(body)
    following: list[Any] = []
    yield index, values, following
    index.add_incoming(start, before)
    index.add_incoming(builder.add(index, i64(1)), builder.block)
    for value, first, further in zip(values, carried, following, strict=True):
        value.add_incoming(first, before)
        value.add_incoming(further, builder.block)
    builder.branch(head)
    builder.position_at_end(after)


def chosen(builder: ir.IRBuilder, vector: Any, words: Any) -> Any:
    """Some words of a register as a register."""
    mask = ir.Constant(ir.VectorType(I32, len(words)), list(words))
    return builder.shuffle_vector(vector, vector, mask)


def joined(builder: ir.IRBuilder, a: Any, b: Any) -> Any:
    """Two registers as one of twice the width."""
    mask = ir.Constant(ir.VectorType(I32, 2 * a.type.count), list(range(2 * a.type.count)))
    return builder.shuffle_vector(a, b, mask)


def lanes(builder: ir.IRBuilder, vector: Any) -> list[Any]:
    """The lanes of 128 bits that a register consists of."""
    return [chosen(builder, vector, (at, at + 1)) for at in range(0, vector.type.count, 2)]


def word_of(builder: ir.IRBuilder, vector: Any, index: int) -> Any:
    """One word of a register."""
    return builder.extract_element(vector, ir.Constant(I32, index))


def loaded(builder: ir.IRBuilder, address: Any, words: int, offset_bytes: int = 0) -> Any:
    """A register from any address, or a word when `words` is 1."""
    kind = I64 if words == 1 else ir.VectorType(I64, words)
    place = builder.gep(address, [ir.Constant(I64, offset_bytes)])
    value = builder.load(builder.bitcast(place, kind.as_pointer()))
    value.align = 1
    return value
