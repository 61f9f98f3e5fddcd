"""The nodes that serve: what each is, whether it is alive, and how busy it is.

Health changes only by the two events `mark_dead` and `mark_alive`. A node that died has lost
its memory, so its pool is emptied and its generation goes up: requests begun on the old generation
no longer change the accounts of the new one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from veristack_lab.errors import InvalidInput
from veristack_lab.llmcache.blocks import BlockPool
from veristack_lab.llmcache.facts import EngineFacts
from veristack_lab.llmcache.prefixes import BLOCK_TOKENS


@dataclass
class Node:
    """One engine and its state."""

    facts: EngineFacts
    pool: BlockPool
    alive: bool = True
    active: int = 0
    """Requests that it works on at the moment."""
    generation: int = 0
    """How often it has died."""

    @property
    def node_id(self) -> str:
        """Its name."""
        return self.facts.node_id


@dataclass
class Registry:
    """All nodes, by name. Not thread-safe: its owner is one thread."""

    block_tokens: int = BLOCK_TOKENS
    _nodes: dict[str, Node] = field(default_factory=dict)

    @classmethod
    def of(cls, engines: Iterable[EngineFacts], block_tokens: int = BLOCK_TOKENS) -> Registry:
        """A registry with these engines, all assumed alive.

        Raises:
            InvalidInput: two engines have the same name.
        """
        registry = cls(block_tokens)
        for facts in engines:
            registry.add(facts)
        return registry

    def __iter__(self) -> Iterator[Node]:
        return iter(self._nodes.values())

    def __contains__(self, node_id: object) -> bool:
        return node_id in self._nodes

    def __getitem__(self, node_id: str) -> Node:
        try:
            return self._nodes[node_id]
        except KeyError:
            raise InvalidInput(
                f"there is no node {node_id!r}; there are {sorted(self._nodes)}"
            ) from None

    def add(self, facts: EngineFacts) -> Node:
        """Add a node.

        Its pool has as many blocks of `block_tokens` tokens as all its slots hold, for at most
        one prompt a slot.

        Raises:
            InvalidInput: the name is taken.
        """
        if facts.node_id in self._nodes:
            raise InvalidInput(f"there is a node {facts.node_id!r} already; name each once")
        total_blocks = facts.slots * facts.context_tokens // self.block_tokens
        node = Node(facts, BlockPool(total_blocks, facts.slots))
        self._nodes[facts.node_id] = node
        return node

    def serving(self, model: str) -> list[Node]:
        """The nodes of a model, living or dead, by name."""
        nodes = (node for node in self if node.facts.model == model)
        return sorted(nodes, key=lambda node: node.node_id)

    def models(self) -> list[str]:
        """The models that some node serves, living or dead."""
        return sorted({node.facts.model for node in self})

    def mark_dead(self, node_id: str) -> bool:
        """Event: the node did not answer. Returns whether its state changed."""
        node = self[node_id]
        if not node.alive:
            return False
        node.alive = False
        node.active = 0
        node.generation += 1
        node.pool.clear()
        return True

    def mark_alive(self, node_id: str) -> bool:
        """Event: the node answered. Returns whether its state changed."""
        node = self[node_id]
        changed, node.alive = not node.alive, True
        return changed
