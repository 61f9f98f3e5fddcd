"""Counting primes: a small job whose answer is easy to check.

The segmented sieve of Eratosthenes (Bays and Hudson, 1977): one step is one segment, and the
count so far is the whole state.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from veristack_lab.veriflow.context import RunContext


class Parameters(BaseModel):
    """How far to count."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    below: int = Field(1_000_000, ge=2, le=10**12, description="Count primes below this.")
    segment: int = Field(250_000, ge=1000, le=10**8, description="Numbers sieved in one step.")
    checkpoint_every: int = Field(1, ge=1, description="Steps between checkpoints.")


def run(context: RunContext, parameters: Parameters) -> Mapping[str, Any]:
    """Sieve segment after segment; the result is the number of primes."""
    identity = hashlib.sha256(
        f"primes {parameters.below} {parameters.segment}".encode()
    ).hexdigest()
    found = context.resume(identity)
    first, count = (0, 0) if found is None else (found.saved.step, int(found.arrays["count"][0]))
    small = small_primes(math.isqrt(parameters.below - 1))
    segments = -(-parameters.below // parameters.segment)
    for step in range(first + 1, segments + 1):
        start = (step - 1) * parameters.segment
        count += count_segment(start, min(start + parameters.segment, parameters.below), small)
        context.report(step, {"primes": float(count)})
        if step % parameters.checkpoint_every == 0 or step == segments:
            context.save(step, {"count": np.array([count], np.int64)}, identity)
    return {"primes": count, "below": parameters.below, "resumed_from_step": first}


def small_primes(limit: int) -> list[int]:
    """All primes up to and including the limit."""
    is_prime = np.ones(max(limit + 1, 2), dtype=bool)
    is_prime[:2] = False
    for number in range(2, math.isqrt(limit) + 1):
        if is_prime[number]:
            is_prime[number * number :: number] = False
    return [int(prime) for prime in np.flatnonzero(is_prime[: limit + 1])]


def count_segment(start: int, end: int, small: list[int]) -> int:
    """The number of primes p with start <= p < end.

    Args:
        small: all primes up to the square root of `end - 1`.
    """
    is_prime = np.ones(end - start, dtype=bool)
    is_prime[: max(0, 2 - start)] = False
    for prime in small:
        begin = max(prime * prime, -(-start // prime) * prime)
        if begin >= end:
            continue
        is_prime[begin - start :: prime] = False
    return int(np.count_nonzero(is_prime))
