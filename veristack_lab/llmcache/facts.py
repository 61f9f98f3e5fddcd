"""What a running inference engine is, as far as the layers above need to know.

`backends.llm` finds or starts engines and describes each by one `EngineFacts`; adapters turn
the facts into something that can be called. No other component knows which program answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Capability = Literal["text", "embeddings"]


@dataclass(frozen=True)
class EngineFacts:
    """One inference engine that answers on loopback or where the user said."""

    node_id: str
    """Name of the node for routing and for people, for example `text-0`."""
    kind: Literal["llama.cpp", "ollama"]
    url: str
    model: str
    """The model's public name, for example `smollm2:135m`."""
    capability: Capability
    context_tokens: int
    """How many tokens one request may hold, prompt and answer together."""
    slots: int
    """How many requests the engine works on at a time."""
    kv_bytes_per_token: int
    """Size of one token's keys and values: 2 * layers * kv_heads * head_dim * bytes."""
    size_bytes: int
    """Size of the model file; 0 when unknown."""
    random_weights: bool = False
    """True for the tiny test model, whose words mean nothing."""
    pid: int | None = None
    """The process, when it was started here."""
