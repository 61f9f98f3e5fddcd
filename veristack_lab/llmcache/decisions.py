"""A router's request and its decision, with the reasons."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from veristack_lab.llmcache.prefixes import Prefix


class Kind(StrEnum):
    """The step of the waterfall that found a request's node."""

    SESSION = "session"
    EXACT = "exact"
    PREFIX = "prefix"
    MISS = "miss"
    STATELESS = "stateless"
    """Embeddings: nothing is kept between requests, so only load counts."""
    REJECTED = "rejected"


class Reason(StrEnum):
    """Why a request was rejected."""

    NO_NODES = "no_nodes"
    """No living node serves the model."""
    KV_TOO_LARGE = "kv_too_large"
    """The prompt would not fit any living node, even an empty one."""
    KV_FULL = "kv_full"
    """All prompts that hold the room are being served and cannot be evicted."""


@dataclass(frozen=True)
class RouteRequest:
    """What a router needs to know of a request."""

    model: str
    prefix: Prefix | None
    """None for embeddings."""
    session_id: str | None = None
    excluded: frozenset[str] = frozenset()
    """Nodes that failed this very request already."""


@dataclass(frozen=True)
class Step:
    """One step of the waterfall."""

    name: str
    taken: bool
    why: str
    node_id: str | None = None


@dataclass(frozen=True)
class Decision:
    """Where a request goes and why. The same state and request give an equal decision."""

    kind: Kind
    node_id: str | None
    reusable_tokens: int
    """How many of the prompt's tokens the node is believed to hold already."""
    prompt_tokens: int
    steps: tuple[Step, ...]
    evicts: tuple[bytes, ...] = ()
    """Prompts that lose their blocks on the chosen node to make room."""
    source: bytes | None = None
    """The held prompt that the new one grows out of."""
    reason: Reason | None = None
    """Set when the request is rejected."""

    @property
    def cache_hit(self) -> bool:
        """Whether some of the prompt need not be computed again."""
        return self.reusable_tokens > 0

    def explain(self) -> str:
        """Each step with why it was taken or passed over, one a line."""
        return "\n".join(
            f"{'->' if step.taken else '  '} {step.name:8} {step.why}" for step in self.steps
        )

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return {
            "kind": self.kind.value,
            "node_id": self.node_id,
            "cache_hit": self.cache_hit,
            "reusable_tokens": self.reusable_tokens,
            "prompt_tokens": self.prompt_tokens,
            "evicted_prefixes": len(self.evicts),
            "reason": self.reason.value if self.reason else None,
            "steps": [
                {"name": s.name, "taken": s.taken, "why": s.why, "node_id": s.node_id}
                for s in self.steps
            ],
        }
