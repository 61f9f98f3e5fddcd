"""A llama.cpp server, over its own HTTP API.

A prompt is templated and tokenised first (`/apply-template`, `/tokenize`), so that routing
sees the very tokens that the engine will see, and is then sent as tokens to `/completion`.
`timings.cache_n` is the engine's own count of the prompt tokens that it did not compute
again, and `prompt_n` of those that it did.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

import httpx

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
from veristack_lab.llmcache.engines.options import DEFAULTS, for_llamacpp
from veristack_lab.llmcache.engines.transport import EngineTransport
from veristack_lab.llmcache.facts import EngineFacts

TOO_LONG = "the input length exceeds the context length"
CHARACTERS_TO_CHECK = 3
"""A text of more than this many characters for each token of context is measured before it is
sent for embedding; shorter ones only when the engine finds one too long."""


class LlamaCppEngine:
    """One llama.cpp server."""

    def __init__(self, facts: EngineFacts) -> None:
        self.facts = facts
        self._client = httpx.AsyncClient(
            base_url=facts.url,
            timeout=httpx.Timeout(SILENCE_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            transport=EngineTransport(),
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def health(self) -> Health:
        try:
            reply = await self._client.get("/health", timeout=PROBE_TIMEOUT_S)
        except httpx.TimeoutException:
            return Health.BUSY
        except httpx.TransportError:
            return Health.GONE
        return Health.READY if reply.status_code == httpx.codes.OK else Health.BUSY

    async def details(self) -> ModelDetails:
        models = await self._ask("GET", "/v1/models")
        props = await self._ask("GET", "/props")
        meta = models["data"][0].get("meta") or {}
        return ModelDetails(
            parameter_count=int(meta.get("n_params", 0)),
            quantization=str(props.get("model_ftype", "")).removeprefix("(guessed) "),
            template=str(props.get("chat_template", "")),
            embedding_length=int(meta.get("n_embd", 0)),
            vocabulary=int(meta.get("n_vocab", 0)),
            train_context_tokens=int(meta.get("n_ctx_train", 0)),
        )

    async def prepare(self, request: TextRequest) -> Prepared:
        turns = [dict(turn) for turn in request.turns()]
        tokens = await self._tokens_of(request, turns)
        limit = self._prompt_limit(request)
        if len(tokens) <= limit:
            return Prepared(request, tuple(tokens))
        if not request.truncate:
            raise PromptTooLong(TOO_LONG)
        if request.messages is not None:
            tokens = await self._drop_turns(request, turns, limit)
        return Prepared(request, tuple(_cut(tokens, limit, request)))

    async def _drop_turns(
        self, request: TextRequest, turns: list[dict[str, str]], limit: int
    ) -> list[int]:
        """Drop the oldest turns until the chat fits; the system message and the last turn stay."""
        while True:
            tokens = await self._tokens_of(request, turns)
            oldest = [n for n, turn in enumerate(turns[:-1]) if turn["role"] != "system"]
            if len(tokens) <= limit or not oldest:
                return tokens
            del turns[oldest[0]]

    async def _tokens_of(
        self, request: TextRequest, turns: Sequence[Mapping[str, str]]
    ) -> list[int]:
        text = request.prompt
        if not request.raw:
            templated = await self._ask("POST", "/apply-template", {"messages": turns})
            text = templated["prompt"]
        tokens = await self._tokenize(text, special=not request.context)
        return [*request.context, *tokens]

    async def _tokenize(self, text: str, *, special: bool) -> list[int]:
        body = {"content": text, "add_special": special, "parse_special": True}
        reply = await self._ask("POST", "/tokenize", body)
        tokens: list[int] = reply["tokens"]
        return tokens

    def _prompt_limit(self, request: TextRequest) -> int:
        """How long a prompt may be, with one place left for the first token of the answer."""
        asked = request.options.get("num_ctx") or self.facts.context_tokens
        return max(1, min(asked, self.facts.context_tokens) - 1)

    async def generate(self, prepared: Prepared) -> AsyncGenerator[TextPiece | Finish, None]:
        body: dict[str, Any] = {
            **for_llamacpp(prepared.request.options),
            "prompt": list(prepared.tokens or ()),
            "stream": True,
            "return_tokens": True,
            "cache_prompt": True,
        }
        if prepared.request.json_schema is not None:
            body["json_schema"] = prepared.request.json_schema
        finished = False
        try:
            async with self._client.stream("POST", "/completion", json=body) as reply:
                if reply.status_code != httpx.codes.OK:
                    await reply.aread()
                    raise self._refused(reply)
                async for line in reply.aiter_lines():
                    if not line.startswith("data: "):
                        continue
                    item = self._item(json.loads(line.removeprefix("data: ")))
                    finished = isinstance(item, Finish)
                    if finished or isinstance(item, TextPiece):
                        yield item
        except httpx.TransportError as error:
            raise self._gone(error) from error
        if not finished:
            raise EngineFailed(f"{self.facts.node_id} ended in the middle of its answer")

    def _item(self, event: dict[str, Any]) -> TextPiece | Finish:
        if "error" in event:
            raise EngineFailed(f"{self.facts.node_id}: {event['error'].get('message', event)}")
        if not event["stop"]:
            return TextPiece(event["content"], tuple(event.get("tokens") or ()))
        timings = event["timings"]
        usage = Usage(
            cached_tokens=timings["cache_n"],
            prompt_tokens=timings["cache_n"] + timings["prompt_n"],
            output_tokens=timings["predicted_n"],
            load_ms=0.0,
            prompt_ms=timings["prompt_ms"],
            decode_ms=timings["predicted_ms"],
        )
        return Finish("length" if event["stop_type"] == "limit" else "stop", usage)

    async def embed(self, texts: Sequence[str], *, truncate: bool) -> Embedded:
        longest = self.facts.context_tokens * CHARACTERS_TO_CHECK
        inputs = [
            await self._fitting(text, truncate=truncate) if len(text) > longest else text
            for text in texts
        ]
        try:
            return await self._embed(inputs)
        except PromptTooLong:
            return await self._embed([await self._fitting(t, truncate=truncate) for t in texts])

    async def _embed(self, inputs: Sequence[str | list[int]]) -> Embedded:
        reply = await self._ask("POST", "/v1/embeddings", {"input": list(inputs)})
        rows = sorted(reply["data"], key=lambda row: row["index"])
        return Embedded([row["embedding"] for row in rows], reply["usage"]["prompt_tokens"])

    async def _fitting(self, text: str, *, truncate: bool) -> list[int]:
        """The text's tokens, cut to the context with the closing token kept."""
        tokens = await self._tokenize(text, special=True)
        limit = self.facts.context_tokens
        if len(tokens) <= limit:
            return tokens
        if not truncate:
            raise PromptTooLong(TOO_LONG)
        return [*tokens[: limit - 1], tokens[-1]]

    async def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        try:
            reply = await self._client.request(method, path, json=body)
        except httpx.TransportError as error:
            raise self._gone(error) from error
        if reply.status_code != httpx.codes.OK:
            raise self._refused(reply)
        return reply.json()

    def _refused(self, reply: httpx.Response) -> EngineFailed | PromptTooLong | InvalidInput:
        try:
            error = reply.json()["error"]
            kind, message = error.get("type", ""), error.get("message", reply.text)
        except (ValueError, KeyError, TypeError, AttributeError):
            kind, message = "", reply.text
        if kind == "exceed_context_size_error" or "too large to process" in message:
            return PromptTooLong(TOO_LONG)
        if httpx.codes.is_client_error(reply.status_code):
            return InvalidInput(message)
        return EngineFailed(f"{self.facts.node_id} answered {reply.status_code}: {message}")

    def _gone(self, error: httpx.TransportError) -> EngineFailed:
        what = str(error) or type(error).__name__
        return EngineFailed(f"{self.facts.node_id} at {self.facts.url} does not answer: {what}")


def _cut(tokens: list[int], limit: int, request: TextRequest) -> list[int]:
    """Drop the middle: the first `num_keep` tokens and the newest ones stay."""
    if len(tokens) <= limit:
        return tokens
    keep = min(max(request.options.get("num_keep", DEFAULTS["num_keep"]), 0), limit)
    return [*tokens[:keep], *tokens[len(tokens) - (limit - keep) :]]
