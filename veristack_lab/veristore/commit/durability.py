"""When a write returns, and what a power cut may take after that.

| level              | a write returns when            | a power cut may take of what returned     |
|--------------------|---------------------------------|-------------------------------------------|
| "commit"           | it is on stable storage         | nothing                                   |
| Interval(writes=n) | the system has it, every nth     | the last n - 1 writes
| |                    | one when all are on storage     |
| | Interval(ms=n)     | the system has it               | the writes of the last n ms, and of the
| |                    |                                 | time that one sync takes after them
| | "none"             | the system has it               | all since the last sync for another cause
|

Other causes for a sync, at every level: `sync`, `checkpoint`, `close`, and the start of a new
segment. What is lost is always the end of the history: what is left is a prefix of it, whole
write by whole write. The death of the process alone (SIGKILL) takes nothing that returned, at
any level, for the system has it.

**Readers** see a write when it returns. So at "commit" no reader sees what a power cut can take
back; at the other levels readers may.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from veristack_lab.errors import InvalidInput


@dataclass(frozen=True, kw_only=True)
class Interval:
    """Sync now and then instead of at each write. Give one of the two.

    Raises:
        InvalidInput: neither or both are given, or a value is not a valid interval.
    """

    writes: int | None = None
    """Sync with every `writes` writes. The window: a power cut takes at most the last
    `writes - 1` of those that returned. 1 is the same as "commit"."""
    ms: float | None = None
    """Sync in the background, begun at most `ms` milliseconds after the first write that waits for
    one. The window: a power cut takes at most what returned in the last `ms` milliseconds before
    that sync began, and nothing returns while it runs, so the time of one commit group and one sync
    comes on top."""

    def __post_init__(self) -> None:
        if (self.writes is None) == (self.ms is None):
            raise InvalidInput("an Interval has either writes= or ms=")
        if self.writes is not None and self.writes < 1:
            raise InvalidInput(f"Interval(writes={self.writes!r}): give 1 or more")
        if self.ms is not None and not 0 < self.ms < math.inf:
            raise InvalidInput(f"Interval(ms={self.ms!r}): give milliseconds above 0")


Durability = Literal["commit", "none"] | Interval


def check_durability(durability: object) -> Durability:
    """The level, checked.

    Raises:
        InvalidInput: it is not a level.
    """
    if isinstance(durability, Interval):
        return durability
    if durability == "commit" or durability == "none":
        return durability
    raise InvalidInput(
        f'durability={durability!r} is not a level; give "commit" (a write returns when it is '
        'durable), Interval(writes=n), Interval(ms=n) or "none"'
    )


def parse_durability(text: str) -> Durability:
    """The level that a word names: `commit`, `none`, `writes=5` or `ms=20`.

    Raises:
        InvalidInput: the word names no level.
    """
    unit, equals, number = text.partition("=")
    try:
        if equals and unit == "writes":
            return Interval(writes=int(number))
        if equals and unit == "ms":
            return Interval(ms=float(number))
    except ValueError as error:  # InvalidInput is one too
        raise InvalidInput(f"durability {text!r}: {error}") from error
    return check_durability(text)


def name_of(durability: Durability) -> str:
    """The word that `parse_durability` takes for a level."""
    if not isinstance(durability, Interval):
        return durability
    if durability.writes is not None:
        return f"writes={durability.writes}"
    return f"ms={durability.ms:g}"


def writes_per_sync(durability: Durability) -> float:
    """How many writes may wait for a sync before the last of them makes one."""
    if isinstance(durability, Interval):
        return durability.writes or math.inf
    return 1 if durability == "commit" else math.inf
