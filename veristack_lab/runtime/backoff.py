"""Pauses between attempts: they double up to a cap, and can be drawn at random below it."""

from __future__ import annotations

import random
from dataclasses import dataclass

from veristack_lab.errors import InvalidInput

MAX_DOUBLINGS = 32
"""Beyond this exponent the cap decides anyway, and powers of two stay small."""


@dataclass(frozen=True)
class Backoff:
    """How long to wait after a failed attempt.

    Args:
        base_s: the pause after the first failed attempt.
        cap_s: no pause is longer.

    Raises:
        InvalidInput: a pause is negative or not a number.
    """

    base_s: float
    cap_s: float

    def __post_init__(self) -> None:
        if not (self.base_s >= 0 and self.cap_s >= 0):
            raise InvalidInput(f"pauses must be at least 0 s, not {self.base_s} and {self.cap_s}")

    def ceiling_s(self, attempt: int) -> float:
        """The longest pause after the given failed attempt: base, twice base, four times, ...

        Args:
            attempt: 1 for the first attempt; less counts as 1.
        """
        doublings = min(max(attempt - 1, 0), MAX_DOUBLINGS)
        return min(self.cap_s, self.base_s * float(2**doublings))

    def delay_s(self, attempt: int, rng: random.Random) -> float:
        """A pause from 0 to the ceiling, drawn evenly (full jitter).

        This keeps the clients of a server that came back from all calling it at once.

        Args:
            attempt: see `ceiling_s`.
            rng: seeded by the caller, so that an experiment repeats.
        """
        return rng.uniform(0.0, self.ceiling_s(attempt))
