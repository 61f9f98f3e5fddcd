"""llmcache: where each KV-cache prefix lives, and which engine serves a request.

`Gateway` speaks Ollama's API in front of real inference engines. Inside it, `Router` decides
from nodes, held prefixes and sessions alone, and explains each decision.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from veristack_lab.llmcache.blocks import BlockPool
    from veristack_lab.llmcache.decisions import Decision, RouteRequest
    from veristack_lab.llmcache.facts import EngineFacts
    from veristack_lab.llmcache.gateway import Gateway
    from veristack_lab.llmcache.nodes import Registry
    from veristack_lab.llmcache.router import Router
    from veristack_lab.llmcache.state import ServingState

_HOMES = {
    "BlockPool": "blocks",
    "Decision": "decisions",
    "EngineFacts": "facts",
    "Gateway": "gateway",
    "Registry": "nodes",
    "RouteRequest": "decisions",
    "Router": "router",
    "ServingState": "state",
}

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


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
