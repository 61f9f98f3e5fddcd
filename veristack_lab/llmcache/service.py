"""The core of the gateway: admit, prepare, route, run and retry requests, and keep the records.

Owned by one event loop. An admitted request waits here for room on a node, never in an engine's
own queue. If an engine fails before the first token was passed on, the request goes to another
living engine; later it is not retried. A failed engine counts as dead until a probe finds it
ready again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress

from veristack_lab.errors import (
    EngineFailed,
    ModelNotFound,
    NoNodeAvailable,
    PromptTooLong,
    StoreError,
)
from veristack_lab.llmcache import engines, prefixes
from veristack_lab.llmcache.admission import MaxActive
from veristack_lab.llmcache.attempts import Attempt, Job
from veristack_lab.llmcache.decisions import Decision, Kind, Reason, RouteRequest
from veristack_lab.llmcache.engines import (
    Embedded,
    Engine,
    Finish,
    Health,
    ModelDetails,
    Prepared,
    TextPiece,
    TextRequest,
)
from veristack_lab.llmcache.facts import Capability, EngineFacts
from veristack_lab.llmcache.metadata import MemoryMetadata, Metadata
from veristack_lab.llmcache.nodes import Registry
from veristack_lab.llmcache.prefixes import Prefix
from veristack_lab.llmcache.router import Router
from veristack_lab.llmcache.state import Change, Lease, ServingState

PROBE_INTERVAL_S = 0.25
DETAILS_S = 5.0  # how long an engine may take to tell about its model
DECISIONS_KEPT = 500
ALIASES: dict[str, Capability] = {"text": "text", "embeddings": "embeddings"}

log = logging.getLogger(__name__)


class Service:
    """Serves text and embeddings on a set of engines."""

    def __init__(
        self,
        facts: Sequence[EngineFacts],
        metadata: Metadata | None = None,
        max_active: int = 8,
    ) -> None:
        self.state = ServingState(Registry.of(facts))
        self.router = Router(self.state)
        self.admission = MaxActive(max_active)
        self.metadata = metadata or MemoryMetadata()
        self.attempts: deque[Attempt] = deque(maxlen=DECISIONS_KEPT)
        self.restored = (0, 0)
        self._facts = tuple(facts)
        self._engines: dict[str, Engine] = {}
        self._details: dict[str, ModelDetails] = {}
        self._requests = 0
        self._room = asyncio.Condition()
        self._changes: asyncio.Queue[Change | None] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []

    # ------------------------------------------------------------ life

    async def start(self) -> None:
        """Connect to the engines, probe which are alive, and restore the stored state.

        Raises:
            StoreCorrupt: the metadata store holds something else.
        """
        self._engines = {facts.node_id: engines.connect(facts) for facts in self._facts}
        await self._probe()
        entries, sessions = await asyncio.to_thread(
            lambda: (self.metadata.entries(), self.metadata.sessions())
        )
        self.restored = self.state.restore(entries, sessions)
        self._tasks = [
            asyncio.create_task(self._probe_for_ever()),
            asyncio.create_task(self._write_changes()),
        ]

    async def close(self) -> None:
        """Write the last changes, end the background tasks, and close all connections."""
        if self._tasks:
            prober, writer = self._tasks
            prober.cancel()
            with suppress(asyncio.CancelledError):
                await prober
            self._changes.put_nowait(None)
            await writer
        for engine in self._engines.values():
            await engine.close()

    async def _probe_for_ever(self) -> None:
        while True:
            await asyncio.sleep(PROBE_INTERVAL_S)
            await self._probe()

    async def _probe(self) -> None:
        found = await asyncio.gather(*(engine.health() for engine in self._engines.values()))
        for node_id, health in zip(self._engines, found, strict=True):
            if health is Health.READY and self.state.registry.mark_alive(node_id):
                await self._tell_waiting()
            elif health is Health.GONE:
                await self._lost(node_id)

    async def _lost(self, node_id: str) -> None:
        self._keep(self.state.node_lost(node_id))
        await self._tell_waiting()

    async def _tell_waiting(self) -> None:
        async with self._room:
            self._room.notify_all()

    def _keep(self, changes: Sequence[Change]) -> None:
        for change in changes:
            self._changes.put_nowait(change)

    async def _write_changes(self) -> None:
        """Write changes in the background; state that a crash loses is computed again."""
        while True:
            batch = [await self._changes.get()]
            while not self._changes.empty():
                batch.append(self._changes.get_nowait())
            changes = [change for change in batch if change is not None]
            try:
                await asyncio.to_thread(self.metadata.apply, changes)
            except StoreError as error:
                log.error("serving metadata is no longer kept: %s", error)
                return
            if None in batch:
                return

    # ---------------------------------------------------------- models

    def resolve(self, name: str) -> EngineFacts:
        """The engine that serves a model name or one of the aliases `text` and `embeddings`.

        Raises:
            ModelNotFound: no engine does.
        """
        wanted = name.removesuffix(":latest")
        alias = ALIASES.get(wanted)
        registry = self.state.registry
        fitting = [
            facts
            for facts in self._facts
            if facts.model in (name, wanted) or (alias and facts.capability == alias)
        ]
        fitting.sort(key=lambda facts: not registry[facts.node_id].alive)
        if not fitting:
            raise ModelNotFound(f"model '{name}' not found")
        return fitting[0]

    def models(self, *, alive: bool) -> list[EngineFacts]:
        """One engine for each model; with `alive`, only for models that a living engine serves."""
        found: dict[str, EngineFacts] = {}
        for facts in self._facts:
            if not alive or self.state.registry[facts.node_id].alive:
                found.setdefault(facts.model, facts)
        return [found[model] for model in sorted(found)]

    async def details(self, facts: EngineFacts) -> ModelDetails:
        """What a living engine says about its model; empty details if no engine answers."""
        if facts.model not in self._details:
            for node in self.state.registry.serving(facts.model):
                with suppress(EngineFailed, TimeoutError):
                    asked = self._engines[node.node_id].details()
                    self._details[facts.model] = await asyncio.wait_for(asked, DETAILS_S)
                    break
        return self._details.get(facts.model, ModelDetails())

    def job(self, model: str, session_id: str | None = None) -> Job:
        """A new request for a model."""
        self._requests += 1
        return Job(self._requests, model, session_id)

    # ------------------------------------------------------------ text

    async def text(
        self, job: Job, request: TextRequest, *, whole: bool
    ) -> AsyncGenerator[TextPiece | Finish, None]:
        """Answer a prompt; the last item is a `Finish`.

        Args:
            job: from `job()`.
            request: the prompt.
            whole: pass on nothing before the answer is complete, so that the request can be
                retried until then.

        Raises:
            AdmissionRejected: the maximum number of requests is in flight.
            NoNodeAvailable: no living engine can take the request.
            EngineFailed: the engine failed after its first token had been passed on.
            PromptTooLong: the prompt is longer than every engine's context.
        """
        self.admission.enter()
        try:
            job.prompt = await self._prepare(job, request)
            prefix = _prefix(job.model, job.prompt)
            while True:
                passed_on = False
                try:
                    tried = self._try_text(job, job.prompt, prefix)
                    async with aclosing(_whole(tried) if whole else tried) as items:
                        async for item in items:
                            passed_on = True
                            yield item
                    return
                except EngineFailed:
                    if passed_on:
                        raise
        finally:
            self.admission.leave(job.total_ns / 1e9)

    async def _prepare(self, job: Job, request: TextRequest) -> Prepared:
        """Tokenise on any living engine of the model: all produce the same tokens."""
        while True:
            nodes = [n for n in self.state.registry.serving(job.model) if n.alive]
            usable = [n for n in nodes if n.node_id not in job.excluded]
            if not usable:
                raise NoNodeAvailable(_no_engine(job.model))
            node = min(usable, key=lambda n: (n.active, n.node_id))
            try:
                return await self._engines[node.node_id].prepare(request)
            except EngineFailed:
                job.excluded.add(node.node_id)
                await self._lost(node.node_id)

    async def _try_text(
        self, job: Job, prompt: Prepared, prefix: Prefix
    ) -> AsyncGenerator[TextPiece | Finish, None]:
        """Make one attempt, on the node that the router chooses."""
        attempt, lease = await self._begin(job, prefix)
        engine, computed = self._engines[lease.node_id], False
        try:
            async with aclosing(engine.generate(prompt)) as items:
                async for item in items:
                    computed = True
                    if isinstance(item, Finish):
                        attempt.outcome = "answered"
                        attempt.cached_tokens = item.usage.cached_tokens
                    yield item
        except EngineFailed as error:
            await self._failed(job, attempt, lease, error)
            raise
        finally:
            if attempt.outcome == "running":
                attempt.outcome = "cancelled"
            await self._end(lease, answered=computed)

    # ------------------------------------------------------ embeddings

    async def embed(self, job: Job, texts: Sequence[str], *, truncate: bool) -> Embedded:
        """Vectors for some texts.

        Raises:
            AdmissionRejected: the maximum number of requests is in flight.
            NoNodeAvailable: no living engine can take the request.
            PromptTooLong: a text is too long and `truncate` is false.
        """
        self.admission.enter()
        try:
            while True:
                attempt, lease = await self._begin(job, None)
                try:
                    found = await self._engines[lease.node_id].embed(texts, truncate=truncate)
                except EngineFailed as error:
                    await self._failed(job, attempt, lease, error)
                else:
                    attempt.outcome = "answered"
                    return found
                finally:
                    if attempt.outcome == "running":
                        attempt.outcome = "cancelled"
                    await self._end(lease, answered=attempt.outcome == "answered")
        finally:
            self.admission.leave(job.total_ns / 1e9)

    # --------------------------------------------------------- routing

    async def _begin(self, job: Job, prefix: Prefix | None) -> tuple[Attempt, Lease]:
        """Route a request; wait for room if no node has any."""
        waiting_since = time.monotonic_ns()
        async with self._room:
            while True:
                request = RouteRequest(job.model, prefix, job.session_id, frozenset(job.excluded))
                decision = self.router.route(request)
                if decision.reason is not Reason.KV_FULL:
                    break
                await self._room.wait()
        job.begun_ns = time.monotonic_ns()
        job.waited_ns += job.begun_ns - waiting_since
        attempt = Attempt(self.state.counter + 1, job.number, job.model, job.session_id, decision)
        self.attempts.append(attempt)
        if decision.kind is Kind.REJECTED:
            attempt.outcome = "rejected"
            raise _rejection(decision, job.model)
        lease, changes = self.state.begin(request, decision)
        self._keep(changes)
        return attempt, lease

    async def _failed(self, job: Job, attempt: Attempt, lease: Lease, error: EngineFailed) -> None:
        attempt.outcome = f"failed: {error}"
        job.excluded.add(lease.node_id)
        await self._lost(lease.node_id)

    async def _end(self, lease: Lease, *, answered: bool) -> None:
        self._keep(self.state.finish(lease, answered=answered))
        await self._tell_waiting()


async def _whole(
    items: AsyncGenerator[TextPiece | Finish, None],
) -> AsyncGenerator[TextPiece | Finish, None]:
    """The same items, but only after the last one has arrived."""
    async with aclosing(items):
        complete = [item async for item in items]
    for item in complete:
        yield item


def _prefix(model: str, prompt: Prepared) -> Prefix:
    if prompt.tokens is not None:
        return prefixes.of_tokens(model, prompt.tokens)
    return prefixes.of_text(model, prompt.request.text())


def _rejection(decision: Decision, model: str) -> NoNodeAvailable | PromptTooLong:
    if decision.reason is Reason.KV_TOO_LARGE:
        return PromptTooLong("the input length exceeds the context length")
    return NoNodeAvailable(_no_engine(model))


def _no_engine(model: str) -> str:
    return f"no living engine serves {model!r}: start one, or try again when one is back"
