"""A node's memory for keys and values, as blocks.

Blocks need not lie side by side, so only their number counts, and there is one number to
keep: a prompt's blocks are taken when it is placed and given back when it is evicted. A
prompt that is being served is pinned and cannot be a victim. When room is short, as many idle
prompts as needed are evicted, least recently used first; if even all of them would not be enough,
the pool refuses and nothing has changed.

An engine such as llama.cpp keeps one prompt a slot, however short, and lets a new prompt grow
out of the slot that holds the longest part of it: `max_prefixes` and `succeeds` say so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from veristack_lab.errors import InvalidInput, NoNodeAvailable
from veristack_lab.runtime.counting import counted


@dataclass
class _Held:
    blocks: int
    pins: int
    last_used: int


class BlockPool:
    """The blocks of one node. Not thread-safe: its owner is one thread."""

    def __init__(self, total_blocks: int, max_prefixes: int | None = None) -> None:
        if total_blocks < 0 or (max_prefixes is not None and max_prefixes < 0):
            raise InvalidInput(
                f"a pool cannot have {total_blocks} blocks for {max_prefixes} prefixes"
            )
        self.total_blocks = total_blocks
        self.max_prefixes = max_prefixes
        self.used_blocks = 0
        self._held: dict[bytes, _Held] = {}

    def __repr__(self) -> str:
        return f"<BlockPool {self.used_blocks}/{self.total_blocks} of {len(self._held)} prefixes>"

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, key: object) -> bool:
        return key in self._held

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._held)

    @property
    def free_blocks(self) -> int:
        """Free blocks."""
        return self.total_blocks - self.used_blocks

    @property
    def idle_blocks(self) -> int:
        """Blocks of prefixes that are not being served: what eviction could free at most."""
        return sum(held.blocks for held in self._held.values() if not held.pins)

    def blocks_of(self, key: bytes) -> int:
        """How many blocks a prefix has; 0 if it is not held."""
        held = self._held.get(key)
        return held.blocks if held else 0

    def pinned(self, key: bytes) -> bool:
        """Whether a prefix is being served."""
        held = self._held.get(key)
        return bool(held and held.pins)

    def victims(self, blocks: int, succeeds: bytes | None = None) -> tuple[bytes, ...] | None:
        """Which prefixes must be evicted so that one more of `blocks` fits; None if none suffice.

        Args:
            blocks: how many blocks the new prefix needs.
            succeeds: a prefix that the new one grows out of. It is evicted first and in any case,
                unless it is being served.
        """
        short = blocks - self.free_blocks
        excess = 0 if self.max_prefixes is None else len(self._held) + 1 - self.max_prefixes
        idle = sorted(
            (key != succeeds, held.last_used, key)
            for key, held in self._held.items()
            if not held.pins
        )
        chosen: list[bytes] = []
        for is_other, _, key in idle:
            if is_other and short <= 0 and excess <= 0:
                break
            chosen.append(key)
            short -= self._held[key].blocks
            excess -= 1
        return tuple(chosen) if short <= 0 and excess <= 0 else None

    def allocate(
        self, key: bytes, blocks: int, now: int, succeeds: bytes | None = None
    ) -> tuple[bytes, ...]:
        """Give `blocks` to a prefix, evicting idle ones as needed; the evicted prefixes.

        Args:
            key: the prefix. One that is here already keeps its blocks and counts as used.
            blocks: how many it needs.
            now: the counter of requests, for the order of eviction.
            succeeds: see `victims`.

        Raises:
            InvalidInput: a negative number of blocks.
            NoNodeAvailable: there is not enough room; nothing has changed.
        """
        if blocks < 0:
            raise InvalidInput(f"a number of blocks is 0 or more, not {blocks}")
        if key in self._held:
            self._held[key].last_used = now
            return ()
        victims = self.victims(blocks, succeeds)
        if victims is None:
            raise NoNodeAvailable(
                f"{counted(blocks, 'block is', 'blocks are')} needed; {self.free_blocks} free and "
                f"{self.idle_blocks} evictable of {self.total_blocks}; "
                f"{counted(len(self), 'prefix is', 'prefixes are')} held. "
                "Send the request again later."
            )
        for victim in victims:
            self.free(victim)
        self._held[key] = _Held(blocks, 0, now)
        self.used_blocks += blocks
        return victims

    def free(self, key: bytes) -> int:
        """Take a prefix's blocks back. Returns how many there were.

        Raises:
            InvalidInput: the prefix is not here, or it is being served.
        """
        held = self._known(key)
        if held.pins:
            raise InvalidInput(f"prefix {key.hex()[:8]} is being served: unpin it first")
        del self._held[key]
        self.used_blocks -= held.blocks
        return held.blocks

    def pin(self, key: bytes) -> None:
        """Protect a prefix from eviction once more. Raises InvalidInput when it is not here."""
        self._known(key).pins += 1

    def unpin(self, key: bytes) -> None:
        """Undo one `pin`.

        Raises:
            InvalidInput: the prefix is not here or not pinned.
        """
        held = self._known(key)
        if not held.pins:
            raise InvalidInput(f"prefix {key.hex()[:8]} is not pinned")
        held.pins -= 1

    def clear(self) -> None:
        """Forget everything, pins included: the node's memory is gone."""
        self._held.clear()
        self.used_blocks = 0

    def _known(self, key: bytes) -> _Held:
        try:
            return self._held[key]
        except KeyError:
            raise InvalidInput(f"prefix {key.hex()[:8]} has no blocks here") from None
