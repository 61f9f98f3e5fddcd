"""What the gateway needs from an engine, whichever program it is."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal, Protocol

from veristack_lab.llmcache.facts import EngineFacts

CONNECT_TIMEOUT_S = 2.0
PROBE_TIMEOUT_S = 2.0
SILENCE_TIMEOUT_S = 300.0
"""Longest wait for the next bytes of an answer: a long prompt on a busy core takes minutes."""


class Health(Enum):
    """The state of an engine."""

    READY = "ready"
    BUSY = "busy"
    """It listens but does not answer in time, or is still loading its model."""
    GONE = "gone"
    """No process listens at its address."""


@dataclass(frozen=True)
class TextRequest:
    """A prompt or a chat, with Ollama's options."""

    prompt: str = ""
    messages: tuple[Mapping[str, str], ...] | None = None
    """Set for a chat; `prompt` is unused then."""
    system: str | None = None
    raw: bool = False
    """Give the prompt to the model as it is, without the chat template."""
    context: tuple[int, ...] = ()
    """Tokens of an earlier exchange that come before the prompt."""
    truncate: bool = True
    """Cut a prompt that is too long; otherwise refuse it."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Ollama's options, checked."""
    json_schema: Mapping[str, Any] | None = None
    """A schema that the answer must follow."""

    def turns(self) -> tuple[Mapping[str, str], ...]:
        """The messages of the chat that this request is."""
        if self.messages is not None:
            return self.messages
        system = ({"role": "system", "content": self.system},) if self.system else ()
        return (*system, {"role": "user", "content": self.prompt})

    def text(self) -> str:
        """All its words in order, for routing where tokens are unknown."""
        if self.raw:
            return self.prompt
        return "".join(f"{turn['role']}\0{turn['content']}\0" for turn in self.turns())


@dataclass(frozen=True)
class Prepared:
    """A request made ready for any engine of its model."""

    request: TextRequest
    tokens: tuple[int, ...] | None
    """The whole prompt as the engine will see it; None when the engine cannot tokenise."""


@dataclass(frozen=True)
class Usage:
    """What a request cost, by the engine's own account."""

    cached_tokens: int | None
    """Prompt tokens that were not computed again; None when the engine does not say."""
    prompt_tokens: int
    """The whole prompt, cached or not."""
    output_tokens: int
    load_ms: float
    prompt_ms: float
    decode_ms: float


@dataclass(frozen=True)
class TextPiece:
    """Some characters of the answer."""

    text: str
    tokens: tuple[int, ...] = ()


@dataclass(frozen=True)
class Finish:
    """The end of an answer."""

    reason: Literal["stop", "length"]
    usage: Usage


@dataclass(frozen=True)
class Embedded:
    """Vectors of length one, in the order of the texts."""

    vectors: list[list[float]]
    prompt_tokens: int
    load_ms: float = 0.0


@dataclass(frozen=True)
class ModelDetails:
    """What an engine reports about its model; unknown fields are empty or zero."""

    family: str = ""
    parameter_count: int = 0
    quantization: str = ""
    template: str = ""
    embedding_length: int = 0
    vocabulary: int = 0
    train_context_tokens: int = 0


class Engine(Protocol):
    """One engine. Everything that takes time is a coroutine and has a timeout."""

    facts: EngineFacts

    async def health(self) -> Health:
        """The engine's state. Never raises for an engine that does not answer."""
        ...

    async def details(self) -> ModelDetails:
        """What it says about its model.

        Raises:
            EngineFailed: it did not answer.
        """
        ...

    async def prepare(self, request: TextRequest) -> Prepared:
        """Apply the chat template, tokenise, and cut to the context, as far as it can.

        Raises:
            EngineFailed: it did not answer.
            PromptTooLong: the prompt does not fit and may not be cut.
        """
        ...

    def generate(self, prepared: Prepared) -> AsyncGenerator[TextPiece | Finish, None]:
        """Stream the answer; the last item is a `Finish`.

        Closing the generator before its end makes the engine stop.

        Raises:
            EngineFailed: it died or answered with an error.
            PromptTooLong: the prompt does not fit.
            InvalidInput: it refused the options.
        """
        ...

    async def embed(self, texts: Sequence[str], *, truncate: bool) -> Embedded:
        """Vectors for some texts.

        Raises:
            EngineFailed: it died or answered with an error.
            PromptTooLong: a text does not fit and may not be cut.
        """
        ...

    async def close(self) -> None:
        """Close its connections."""
        ...
