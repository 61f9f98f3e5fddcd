"""One adapter for each kind of inference engine, all with the same interface."""

from __future__ import annotations

from veristack_lab.llmcache.engines.base import (
    Embedded,
    Engine,
    Finish,
    Health,
    ModelDetails,
    Prepared,
    TextPiece,
    TextRequest,
    Usage,
)
from veristack_lab.llmcache.facts import EngineFacts

__all__ = [
    "Embedded",
    "Engine",
    "Finish",
    "Health",
    "ModelDetails",
    "Prepared",
    "TextPiece",
    "TextRequest",
    "Usage",
    "connect",
]


def connect(facts: EngineFacts) -> Engine:
    """The adapter for an engine. Call it inside the event loop that will use it."""
    if facts.kind == "ollama":
        from veristack_lab.llmcache.engines.ollama_engine import OllamaEngine

        return OllamaEngine(facts)
    from veristack_lab.llmcache.engines.llamacpp import LlamaCppEngine

    return LlamaCppEngine(facts)
