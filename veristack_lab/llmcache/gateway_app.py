"""Ollama's API over HTTP, as a Starlette application around a `Service`.

Beside Ollama's paths there are three more: `GET /api/lab/engines` (the nodes and their state),
`GET /api/lab/health` (whether all is up, and which process is down since when) and
`GET /api/lab/decisions?limit=N` (the last attempts, each with its explanation). A request
may carry `X-Session-Id` to be kept on the node that served the conversation before; a reply
carries `X-Request-Number`, by which its attempts are found: `/api/lab/decisions?request=N`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from veristack_lab.errors import (
    AdmissionRejected,
    EngineFailed,
    InvalidInput,
    ModelNotFound,
    NoNodeAvailable,
    PromptTooLong,
    ServingError,
)
from veristack_lab.llmcache import ollama_api as api
from veristack_lab.llmcache import ollama_replies as replies
from veristack_lab.llmcache.attempts import Job
from veristack_lab.llmcache.engines import Finish, TextPiece
from veristack_lab.llmcache.facts import EngineFacts
from veristack_lab.llmcache.gateway_parameters import session_id, shortened, whole_number
from veristack_lab.llmcache.ollama_api import ApiError, EmbedCall, TextCall
from veristack_lab.llmcache.service import Service
from veristack_lab.llmcache.streams import ClosedStream, Items
from veristack_lab.runtime.faces import Guard, Policy
from veristack_lab.runtime.replies import ollama_shape
from veristack_lab.runtime.supervisor import Health, all_up, no_parts

MAX_BODY_BYTES = 32 * 1024 * 1024
"""Limit of one request: thousands of texts to embed, but not more than fits in memory."""
DECISIONS_SHOWN = 50
POLICY = Policy(ollama_shape, MAX_BODY_BYTES, unusable_status=400)
NDJSON = "application/x-ndjson"
JSON = "application/json; charset=utf-8"

CLIENT_CLOSED_REQUEST = 499
"""The client is gone and never reads this; web servers use this status in their logs."""

T = TypeVar("T")


def application(service: Service, parts: Health = no_parts) -> Starlette:
    """The application. Its owner starts the service before and closes it after."""
    face = _Face(service, parts)
    routes = [
        Route("/", face.root, methods=["GET", "HEAD"]),
        Route("/api/version", face.version, methods=["GET", "HEAD"]),
        Route("/api/tags", face.tags, methods=["GET", "HEAD"]),
        Route("/api/ps", face.ps, methods=["GET"]),
        Route("/api/show", face.show, methods=["POST"]),
        Route("/api/generate", face.generate, methods=["POST"]),
        Route("/api/chat", face.chat, methods=["POST"]),
        Route("/api/embed", face.embed, methods=["POST"]),
        Route("/api/embeddings", face.embeddings, methods=["POST"]),
        Route("/api/lab/engines", face.engines, methods=["GET"]),
        Route("/api/lab/health", face.health, methods=["GET"]),
        Route("/api/lab/decisions", face.decisions, methods=["GET"]),
    ]
    return Starlette(
        routes=routes,
        middleware=[Middleware(Guard, policy=POLICY)],
        exception_handlers={
            HTTPException: _unrouted,
            ApiError: face.error,
            ServingError: face.error,
            InvalidInput: face.error,
            ClientDisconnect: _client_is_gone,
        },
    )


class _Face:
    """The handlers."""

    def __init__(self, service: Service, parts: Health) -> None:
        self.service = service
        self.parts = parts
        self.since = replies.now()

    # ------------------------------------------------------- questions

    async def root(self, _: Request) -> Response:
        return PlainTextResponse("Ollama is running")

    async def version(self, _: Request) -> Response:
        return _json({"version": replies.VERSION})

    async def tags(self, _: Request) -> Response:
        models = self.service.models(alive=False)
        entries = [
            replies.model_entry(f, await self.service.details(f), self.since) for f in models
        ]
        return _json({"models": entries})

    async def ps(self, _: Request) -> Response:
        models = self.service.models(alive=True)
        entries = [replies.running_entry(f, await self.service.details(f)) for f in models]
        return _json({"models": entries})

    async def show(self, request: Request) -> Response:
        body = api.parse_body(await request.body())
        facts = self.service.resolve(str(body.get("model") or body.get("name") or ""))
        return _json(replies.show(facts, await self.service.details(facts), self.since))

    async def engines(self, _: Request) -> Response:
        return _json(
            [
                {
                    "node_id": node.node_id,
                    "kind": node.facts.kind,
                    "model": node.facts.model,
                    "capability": node.facts.capability,
                    "alive": node.alive,
                    "active": node.active,
                    "slots": node.facts.slots,
                    "context_tokens": node.facts.context_tokens,
                    "random_weights": node.facts.random_weights,
                    "used_blocks": node.pool.used_blocks,
                    "total_blocks": node.pool.total_blocks,
                    "prefixes": len(node.pool),
                    "deaths": node.generation,
                }
                for node in self.service.state.registry
            ]
        )

    async def health(self, _: Request) -> Response:
        parts = self.parts()
        alive = all(node.alive for node in self.service.state.registry)
        status = "up" if alive and all_up(parts) else "degraded"
        return _json({"status": status, "parts": [part.document() for part in parts]})

    async def decisions(self, request: Request) -> Response:
        attempts = list(self.service.attempts)
        if (number := whole_number(request, "request", None)) is not None:
            attempts = [attempt for attempt in attempts if attempt.request == number]
        limit = whole_number(request, "limit", DECISIONS_SHOWN) or 0
        return _json([attempt.as_json() for attempt in attempts[-limit:] if limit])

    # ------------------------------------------------------------ text

    async def generate(self, request: Request) -> Response:
        call = api.parse_generate(api.parse_body(await request.body()))
        return await self._text(request, call)

    async def chat(self, request: Request) -> Response:
        call = api.parse_chat(api.parse_body(await request.body()))
        return await self._text(request, call)

    async def _text(self, request: Request, call: TextCall) -> Response:
        facts = self.service.resolve(call.model)
        if facts.capability != "text":
            verb = "chat" if call.chat else "generate"
            raise ApiError(400, f'"{call.model}" does not support {verb}')
        if call.loads_only:
            return _json(replies.loaded(call, facts.model))
        job = self.service.job(facts.model, session_id(request))
        items = self.service.text(job, call.text, whole=not call.stream)
        if not call.stream:
            reply = await _unless_gone(request, _complete(job, call, facts, items))
            return _json(reply, headers=_number(job))
        try:
            first = await anext(items)  # errors before it still get a status of their own
        except BaseException:
            await items.aclose()
            raise
        lines = _lines(job, call, facts, first, items)
        return ClosedStream(lines, items, headers=_number(job), media_type=NDJSON)

    # ------------------------------------------------------ embeddings

    async def embed(self, request: Request) -> Response:
        call = api.parse_embed(api.parse_body(await request.body()))
        facts = self._embedder(call)
        if not call.texts:
            return _json({"model": facts.model, "embeddings": []})
        job = self.service.job(facts.model)
        found = await _unless_gone(
            request, self.service.embed(job, call.texts, truncate=call.truncate)
        )
        vectors = found.vectors
        if call.dimensions is not None:
            vectors = [shortened(vector, call.dimensions) for vector in vectors]
        return _json(
            {
                "model": facts.model,
                "embeddings": vectors,
                "total_duration": job.total_ns,
                "load_duration": job.load_ns + round(found.load_ms * replies.NANOSECONDS_PER_MS),
                "prompt_eval_count": found.prompt_tokens,
            },
            headers=_number(job),
        )

    async def embeddings(self, request: Request) -> Response:
        call = api.parse_embeddings(api.parse_body(await request.body()))
        facts = self._embedder(call)
        if not call.texts:
            return _json({"embedding": []})
        asked = self.service.embed(
            self.service.job(facts.model), call.texts, truncate=call.truncate
        )
        found = await _unless_gone(request, asked)
        return _json({"embedding": found.vectors[0]})

    def _embedder(self, call: EmbedCall) -> EngineFacts:
        try:
            facts = self.service.resolve(call.model)
        except ModelNotFound:
            message = f'model "{call.model}" not found, try pulling it first'
            raise ApiError(404, message) from None
        if facts.capability != "embeddings":
            raise ApiError(400, f'"{call.model}" does not support embeddings')
        return facts

    # ---------------------------------------------------------- errors

    async def error(self, _: Request, error: Exception) -> Response:
        status, headers = 500, {}
        match error:
            case ApiError():
                status = error.status
            case ModelNotFound():
                status = 404
            case PromptTooLong() | InvalidInput():
                status = 400
            case AdmissionRejected():
                status = 503
                headers = {"Retry-After": str(self.service.admission.retry_after_s)}
            case NoNodeAvailable():
                status, headers = 503, {"Retry-After": "1"}
        return _json({"error": str(error)}, status, headers)


async def _unless_gone(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """The result of the work; the work is cancelled if the client disconnects first.

    Raises:
        ClientDisconnect: the client disconnected.
    """
    task, gone = asyncio.ensure_future(work), asyncio.ensure_future(request.receive())
    try:
        # The body has been read, so the next message can only be the disconnect.
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise ClientDisconnect
    finally:
        for unfinished in (task, gone):
            unfinished.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def _complete(job: Job, call: TextCall, facts: EngineFacts, items: Items) -> dict[str, Any]:
    """The whole reply in one object."""
    pieces: list[TextPiece] = []
    async with aclosing(items):
        async for item in items:
            if isinstance(item, Finish):
                text = "".join(piece.text for piece in pieces)
                return _end(job, call, facts, text, pieces, item)
            pieces.append(item)
    raise EngineFailed("the engine's answer has no end")


async def _lines(
    job: Job, call: TextCall, facts: EngineFacts, first: TextPiece | Finish, items: Items
) -> AsyncGenerator[bytes, None]:
    """The reply as lines of JSON; an engine's death becomes a last line with `error`."""
    pieces: list[TextPiece] = []

    def line(item: TextPiece | Finish) -> bytes:
        if isinstance(item, Finish):
            return _line(_end(job, call, facts, "", pieces, item))
        pieces.append(item)
        return _line(replies.piece(call, facts.model, item.text))

    async with aclosing(items):
        yield line(first)
        try:
            async for item in items:
                yield line(item)
        except ServingError as error:
            message = f"an error was encountered while running the model: {error}"
            yield _line({"error": message})


def _end(
    job: Job, call: TextCall, facts: EngineFacts, text: str, pieces: list[TextPiece], end: Finish
) -> dict[str, Any]:
    context = None
    prompt = job.prompt.tokens if job.prompt else None
    if prompt is not None and not call.chat and not call.text.raw:
        context = [*prompt, *(token for piece in pieces for token in piece.tokens)]
    load_ns = job.load_ns + round(end.usage.load_ms * replies.NANOSECONDS_PER_MS)
    durations_ns = (job.total_ns, load_ns)
    return replies.end(call, facts.model, text, end.reason, end.usage, durations_ns, context)


def _number(job: Job) -> dict[str, str]:
    return {"X-Request-Number": str(job.number)}


def _json(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse(content, status, headers, media_type=JSON)


def _line(content: dict[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


async def _client_is_gone(_: Request, __: Exception) -> Response:
    return Response(status_code=CLIENT_CLOSED_REQUEST)


async def _unrouted(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # registered for this class only
    known = {404: "404 page not found", 405: "405 method not allowed"}
    message = known.get(error.status_code, error.detail)
    return _json({"error": message}, error.status_code, dict(error.headers or {}))
