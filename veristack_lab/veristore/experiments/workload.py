"""A workload that can be checked after a crash: a seed decides which writer wrote what.

Each writer owns its keys and works on one operation after the other. Operation n of writer w
is a function of (seed, w, n), so the number of acknowledged operations decides what must be in the
store: the state after exactly those, or with the one more that was under way when the writer died.
Nothing else is allowed, and no partly applied operation.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from veristack_lab.veristore.wal.mutations import Change

KEYS_PER_WRITER = 50
_LARGE_BYTES = 64 * 1024
"""Some values take the disk long enough for a kill to hit their write."""
_LARGE_SHARE = 0.02


def key_prefix(writer: int) -> bytes:
    """What all keys of a writer begin with."""
    return b"w%03d/" % writer


def operation(seed: int, writer: int, number: int) -> list[Change]:
    """The changes of one operation: a put, a delete, or an atomic batch of three."""
    rng = random.Random(f"{seed}/{writer}/{number}")
    choice = rng.random()
    if choice < 0.1:
        return [(_key(rng, writer), None)]
    if choice < 0.3:
        first, second, third = rng.sample(range(KEYS_PER_WRITER), 3)
        return [
            (key_prefix(writer) + b"%02d" % first, _value(rng, number)),
            (key_prefix(writer) + b"%02d" % second, _value(rng, number)),
            (key_prefix(writer) + b"%02d" % third, None),
        ]
    return [(_key(rng, writer), _value(rng, number))]


def _key(rng: random.Random, writer: int) -> bytes:
    return key_prefix(writer) + b"%02d" % rng.randrange(KEYS_PER_WRITER)


def _value(rng: random.Random, number: int) -> bytes:
    size = _LARGE_BYTES if rng.random() < _LARGE_SHARE else rng.randrange(200)
    return b"%d:" % number + rng.randbytes(1) * size


@dataclass
class Expected:
    """What one writer's part of the store must look like."""

    seed: int
    writer: int
    done: int = 0
    """Operations that are in the state, counted from 0."""
    state: dict[bytes, bytes] = field(default_factory=dict)

    def advance(self, count: int) -> None:
        """Do the next operations on the state."""
        for _ in range(count):
            apply(self.state, self.changes(self.done))
            self.done += 1

    def changes(self, number: int) -> Sequence[Change]:
        """What an operation changes."""
        return operation(self.seed, self.writer, number)


@dataclass(frozen=True)
class Finding:
    """How one writer's part of a recovered store compares with what was acknowledged."""

    lost: int
    """Acknowledged operations that are missing."""
    kept_unacknowledged: int
    """1 if the operation under way at the kill is there, which is allowed."""
    mixed: bool
    """The state matches no number of operations: some operation is partially applied."""


def check(expected: Expected, acknowledged: int, found: Mapping[bytes, bytes]) -> Finding:
    """Compare a recovered state; `expected` is moved on to what was found.

    Args:
        expected: the state when the writer began.
        acknowledged: operations acknowledged since.
        found: the writer's keys and values after recovery.
    """
    begun_at, before = expected.done, dict(expected.state)
    expected.advance(acknowledged)
    if expected.state == found:
        return Finding(lost=0, kept_unacknowledged=0, mixed=False)
    expected.advance(1)
    if expected.state == found:
        return Finding(lost=0, kept_unacknowledged=1, mixed=False)
    shorter = type(expected)(expected.seed, expected.writer, begun_at, before)
    kept = 0
    while kept < acknowledged and shorter.state != found:
        shorter.advance(1)
        kept += 1
    expected.done, expected.state = begun_at + acknowledged, dict(found)
    mixed = shorter.state != found
    return Finding(acknowledged if mixed else acknowledged - kept, 0, mixed)


def apply(state: dict[bytes, bytes], changes: Sequence[Change]) -> None:
    """Make changes in a plain dictionary."""
    for key, value in changes:
        if value is None:
            state.pop(key, None)
        else:
            state[key] = value
