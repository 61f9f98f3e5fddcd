"""llmcache: where each KV-cache prefix lives, and which engine serves a request.

`Gateway` speaks Ollama's API in front of real inference engines. Inside it, `Router` decides
from nodes, held prefixes and sessions alone, and explains each decision.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from veristack_lab.runtime.lazily import lazy_names

if TYPE_CHECKING:
    from veristack_lab.llmcache.blocks import BlockPool
    from veristack_lab.llmcache.decisions import Decision, RouteRequest
    from veristack_lab.llmcache.facts import EngineFacts
    from veristack_lab.llmcache.gateway import Gateway
    from veristack_lab.llmcache.nodes import Registry
    from veristack_lab.llmcache.router import Router
    from veristack_lab.llmcache.state import ServingState

__all__ = [
    "BlockPool",
    "Decision",
    "EngineFacts",
    "Gateway",
    "Registry",
    "RouteRequest",
    "Router",
    "ServingState",
]


__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "BlockPool": "blocks",
        "Decision": "decisions",
        "EngineFacts": "facts",
        "Gateway": "gateway",
        "Registry": "nodes",
        "RouteRequest": "decisions",
        "Router": "router",
        "ServingState": "state",
    },
)
