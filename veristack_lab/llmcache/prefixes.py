"""Prompts as chains of block hashes, and the index of which node holds which chain.

A prompt is cut into blocks of `block_tokens` tokens. The hash of a block covers the hash of
the block before it, so one hash names the whole text up to there, and two prompts share a
prefix exactly as far as their chains agree (vLLM's automatic prefix caching; Kwon et al.,
"Efficient Memory Management for Large Language Model Serving with PagedAttention", SOSP 2023).
The model's name is hashed into the root: one model's cache is useless to another.

Finding the longest held prefix walks the chain of the prompt that is asked for: it costs one
dictionary look-up for each matching block, however many prompts are held.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise

from veristack_lab.errors import InvalidInput

BLOCK_TOKENS = 16
CHARACTERS_PER_TOKEN = 4
"""English text has about four characters a token; used only where an engine cannot tokenise."""
HASH_BYTES = 16


@dataclass(frozen=True)
class Prefix:
    """A whole prompt, as far as routing is concerned."""

    model: str
    hashes: tuple[bytes, ...]
    """One chained hash for each full block, 16 bytes each."""
    digest: bytes
    """Identifies the whole prompt, including the part after the last full block."""
    tokens: int
    """Length of the whole prompt; estimated when it was made from text."""
    block_tokens: int = BLOCK_TOKENS

    def __repr__(self) -> str:
        return f"<Prefix {self.digest.hex()[:8]} {self.model} {self.tokens} tokens>"

    @property
    def blocks(self) -> int:
        """How many blocks the whole prompt occupies, the last one perhaps in part."""
        return -(-self.tokens // self.block_tokens)


def of_tokens(model: str, tokens: Sequence[int], block_tokens: int = BLOCK_TOKENS) -> Prefix:
    """The chain of a tokenised prompt.

    Raises:
        InvalidInput: a block size below one.
    """
    return _chain(model, "tokens", array("q", tokens), block_tokens, block_tokens, len(tokens))


def of_text(model: str, text: str, block_tokens: int = BLOCK_TOKENS) -> Prefix:
    """The chain of a prompt whose tokens are unknown: blocks of characters, tokens estimated.

    Raises:
        InvalidInput: a block size below one.
    """
    points = array("q", map(ord, text))
    tokens = -(-len(text) // CHARACTERS_PER_TOKEN)
    return _chain(model, "text", points, block_tokens * CHARACTERS_PER_TOKEN, block_tokens, tokens)


def _chain(
    model: str, unit: str, units: array[int], block_units: int, block_tokens: int, tokens: int
) -> Prefix:
    if block_tokens < 1:
        raise InvalidInput(f"a block holds at least one token, not {block_tokens}")
    parent = _hash(b"root", f"{unit}/{block_tokens}/{model}".encode())
    hashes = []
    full = len(units) - len(units) % block_units
    for start, end in pairwise(range(0, full + 1, block_units)):
        parent = _hash(b"block", parent + units[start:end].tobytes())
        hashes.append(parent)
    digest = _hash(b"whole", parent + units[full:].tobytes())
    return Prefix(model, tuple(hashes), digest, tokens, block_tokens)


def _hash(role: bytes, data: bytes) -> bytes:
    return blake2b(data, digest_size=HASH_BYTES, person=role).digest()


@dataclass(frozen=True)
class Entry:
    """One prompt whose keys and values a node holds, as far as is known."""

    node_id: str
    prefix: Prefix
    last_used: int
    """A counter of requests, not a time."""


@dataclass(frozen=True)
class Match:
    """How much of a prompt a node holds already."""

    node_id: str
    blocks: int
    source: bytes
    """Digest of a held prompt that has these blocks."""


class PrefixIndex:
    """Which node holds which prefix. Entries are named by (node, digest)."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, bytes], Entry] = {}
        # block hash -> node -> digests of the prompts there that contain the block
        self._holders: dict[bytes, dict[str, dict[bytes, None]]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def get(self, node_id: str, digest: bytes) -> Entry | None:
        """The entry of this prompt on this node, if there is one."""
        return self._entries.get((node_id, digest))

    def add(self, entry: Entry) -> None:
        """Note that a node holds a prompt; a repeat with another `last_used` adds no second
        entry."""
        key = (entry.node_id, entry.prefix.digest)
        if key not in self._entries:
            for block in entry.prefix.hashes:
                by_node = self._holders.setdefault(block, {})
                by_node.setdefault(entry.node_id, {})[entry.prefix.digest] = None
        self._entries[key] = entry

    def remove(self, node_id: str, digest: bytes) -> bool:
        """Forget one prompt of a node. Returns whether it was known."""
        entry = self._entries.pop((node_id, digest), None)
        if entry is None:
            return False
        for block in entry.prefix.hashes:
            by_node = self._holders[block]
            del by_node[node_id][digest]
            if not by_node[node_id]:
                del by_node[node_id]
            if not by_node:
                del self._holders[block]
        return True

    def of_node(self, node_id: str) -> list[Entry]:
        """Everything that a node holds, in the order it was noted."""
        return [entry for (node, _), entry in self._entries.items() if node == node_id]

    def exact(self, prefix: Prefix, nodes: Collection[str]) -> list[str]:
        """The given nodes that hold exactly this prompt, in the order given."""
        return [node for node in nodes if (node, prefix.digest) in self._entries]

    def longest(self, prefix: Prefix, nodes: Collection[str]) -> list[Match]:
        """How much each of the nodes holds; nodes that hold nothing are left out.

        The longest match comes first, equal ones in the order of the nodes given.
        """
        found: dict[str, Match] = {}
        for depth, block in enumerate(prefix.hashes, start=1):
            by_node = self._holders.get(block)
            if by_node is None:
                break
            for node in nodes:
                if node in by_node:
                    found[node] = Match(node, depth, next(iter(by_node[node])))
        order = {node: rank for rank, node in enumerate(nodes)}
        return sorted(found.values(), key=lambda match: (-match.blocks, order[match.node_id]))
