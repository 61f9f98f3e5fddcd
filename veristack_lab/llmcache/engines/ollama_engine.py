"""An Ollama server, through its official client.

Ollama has no API to tokenise, so routing uses the text. `prompt_eval_count` is always
the whole prompt, cached or not; how much was cached is unknown unless the server says so
(`prompt_eval_cached_count`, newer versions).
"""

from __future__ import annotations

import unicodedata
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Any

import httpx
import ollama

from veristack_lab.errors import EngineFailed, InvalidInput, PromptTooLong
from veristack_lab.llmcache.engines.base import (
    CONNECT_TIMEOUT_S,
    PROBE_TIMEOUT_S,
    SILENCE_TIMEOUT_S,
    Embedded,
    Finish,
    Health,
    ModelDetails,
    Prepared,
    TextPiece,
    TextRequest,
    Usage,
)
from veristack_lab.llmcache.engines.transport import EngineTransport
from veristack_lab.llmcache.facts import EngineFacts

NANOSECONDS_PER_MS = 1e6
TEMPLATE_BYTES = 256
"""What a chat template may add, generously."""
TOO_LONG = "exceeds the context length"


class OllamaEngine:
    """One model of one Ollama server."""

    def __init__(self, facts: EngineFacts) -> None:
        self.facts = facts
        timeout = httpx.Timeout(SILENCE_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
        self._client = ollama.AsyncClient(
            host=facts.url, timeout=timeout, transport=EngineTransport()
        )
        # Every call of the official client needs a model or waits for one.
        self._prober = httpx.AsyncClient(
            base_url=facts.url, timeout=PROBE_TIMEOUT_S, transport=EngineTransport()
        )

    async def close(self) -> None:
        await self._client.close()  # type: ignore[no-untyped-call]
        await self._prober.aclose()

    async def health(self) -> Health:
        try:
            reply = await self._prober.get("/api/version")
        except httpx.TimeoutException:
            return Health.BUSY
        except httpx.TransportError:
            return Health.GONE
        return Health.READY if reply.status_code == httpx.codes.OK else Health.BUSY

    async def details(self) -> ModelDetails:
        try:
            shown = await self._client.show(self.facts.model)
        except (ollama.ResponseError, ConnectionError, httpx.TransportError) as error:
            raise self._failed(error) from error
        info: dict[str, Any] = dict(shown.modelinfo or {})
        family = (shown.details.family if shown.details else None) or ""
        return ModelDetails(
            family=family,
            parameter_count=int(info.get("general.parameter_count") or 0),
            quantization=(shown.details.quantization_level if shown.details else None) or "",
            template=shown.template or "",
            embedding_length=int(info.get(f"{family}.embedding_length") or 0),
            vocabulary=int(info.get(f"{family}.vocab_size") or 0),
            train_context_tokens=int(info.get(f"{family}.context_length") or 0),
        )

    async def prepare(self, request: TextRequest) -> Prepared:
        # A token is at least one byte, so a shorter prompt than this cannot be too long.
        size_bytes = len(request.text().encode()) + TEMPLATE_BYTES
        if not request.truncate and size_bytes > self.facts.context_tokens:
            raise InvalidInput(
                "this prompt may be too long, and Ollama's client cannot ask the server to refuse "
                "it: leave truncate out, or shorten the prompt"
            )
        return Prepared(request, None)

    async def generate(self, prepared: Prepared) -> AsyncGenerator[TextPiece | Finish, None]:
        finished = False
        try:
            async for chunk in await self._stream(prepared.request):
                if text := _text_of(chunk):
                    yield TextPiece(text)
                if chunk.done:
                    finished = True
                    yield Finish(
                        "length" if chunk.done_reason == "length" else "stop", _usage(chunk)
                    )
        except (ollama.ResponseError, ConnectionError, httpx.TransportError) as error:
            raise self._failed(error) from error
        if not finished:
            raise EngineFailed(f"{self.facts.node_id} ended in the middle of its answer")

    async def _stream(self, request: TextRequest) -> AsyncIterator[Any]:
        format_ = dict(request.json_schema) if request.json_schema is not None else None
        options = dict(request.options)
        if request.messages is not None:
            chat: AsyncIterator[Any] = await self._client.chat(
                self.facts.model,
                [dict(turn) for turn in request.messages],
                stream=True,
                format=format_,
                options=options,
            )
            return chat
        generated: AsyncIterator[Any] = await self._client.generate(
            self.facts.model,
            request.prompt,
            system=request.system or "",
            raw=request.raw,
            context=list(request.context) or None,
            stream=True,
            format=format_,
            options=options,
        )
        return generated

    async def embed(self, texts: Sequence[str], *, truncate: bool) -> Embedded:
        if "minilm" in self.facts.model:
            texts = [without_accents(text) for text in texts]
        try:
            reply = await self._client.embed(self.facts.model, list(texts), truncate=truncate)
        except (ollama.ResponseError, ConnectionError, httpx.TransportError) as error:
            raise self._failed(error) from error
        return Embedded(
            [list(vector) for vector in reply.embeddings],
            reply.prompt_eval_count or 0,
            (reply.load_duration or 0) / NANOSECONDS_PER_MS,
        )

    def _failed(self, error: Exception) -> EngineFailed | PromptTooLong | InvalidInput:
        if isinstance(error, ollama.ResponseError):
            if TOO_LONG in error.error:
                return PromptTooLong(error.error)
            if httpx.codes.is_client_error(error.status_code):
                return InvalidInput(error.error)
        return EngineFailed(f"{self.facts.node_id} at {self.facts.url}: {error}")


def without_accents(text: str) -> str:
    """The text as an uncased BERT tokeniser should read it, which Ollama's does not.

    Its vocabulary has no accented letters: they would become unknown tokens.
    """
    apart = unicodedata.normalize("NFD", text)
    return "".join(character for character in apart if not unicodedata.combining(character))


def _text_of(chunk: Any) -> str:
    message = getattr(chunk, "message", None)
    return (message.content if message is not None else chunk.response) or ""


def _usage(chunk: Any) -> Usage:
    return Usage(
        cached_tokens=getattr(chunk, "prompt_eval_cached_count", None),
        prompt_tokens=chunk.prompt_eval_count or 0,
        output_tokens=chunk.eval_count or 0,
        load_ms=(chunk.load_duration or 0) / NANOSECONDS_PER_MS,
        prompt_ms=(chunk.prompt_eval_duration or 0) / NANOSECONDS_PER_MS,
        decode_ms=(chunk.eval_duration or 0) / NANOSECONDS_PER_MS,
    )
