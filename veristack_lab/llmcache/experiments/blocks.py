"""Prompts as chains of blocks, and what a node's pool holds, as frames for pictures.

Public names are in `experiments` too.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from veristack_lab.errors import InvalidInput
from veristack_lab.llmcache.blocks import BlockPool
from veristack_lab.llmcache.prefixes import Prefix


def chains(prompts: Mapping[str, Prefix]) -> pd.DataFrame:
    """The blocks of some prompts, and which of them the first prompt has too.

    Args:
        prompts: by their names for people; the first one is what the others are compared with.

    Returns:
        One row a full block: `prompt`, `block` (1 for the first), `hash` (its first 6 hexadecimal
        digits), `shared` (whether the first prompt has the same hash at the same place).

    Raises:
        InvalidInput: there is no prompt.
    """
    if not prompts:
        raise InvalidInput("there is no prompt to show; give at least one")
    first = next(iter(prompts.values())).hashes
    rows = [
        (name, number, digest.hex()[:6], digest in first[number - 1 : number])
        for name, prefix in prompts.items()
        for number, digest in enumerate(prefix.hashes, 1)
    ]
    frame = pd.DataFrame(rows, columns=["prompt", "block", "hash", "shared"])
    frame.attrs = {"seed": None}
    return frame


def held_blocks(pool: BlockPool, moment: str) -> pd.DataFrame:
    """What a pool holds right now.

    Returns:
        One row a prefix, and one for what is free: `moment`, `prefix` (its key as text, "free"),
        `blocks`, `state` ("served", "idle", "free").
    """
    rows = [
        (
            moment,
            key.decode(errors="replace"),
            pool.blocks_of(key),
            "served" if pool.pinned(key) else "idle",
        )
        for key in pool
    ]
    rows.append((moment, "free", pool.free_blocks, "free"))
    return pd.DataFrame(rows, columns=["moment", "prefix", "blocks", "state"])
