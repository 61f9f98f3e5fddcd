"""The gateway: one address in front of all engines, speaking Ollama's API.

    with Gateway(engines).serve() as url:
        ollama.Client(host=url).generate(model="text", prompt="Once upon a time")

The names `text` and `embeddings` stand for the models that serve them; replies carry the real name.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from veristack_lab.errors import InvalidInput
from veristack_lab.llmcache.facts import EngineFacts
from veristack_lab.runtime.supervisor import Health, no_parts

if TYPE_CHECKING:
    from veristack_lab.llmcache.service import Service
    from veristack_lab.veristore.keyvalue import KeyValue

GRACE_S = 2.0
"""How long requests in progress may go on when the gateway is stopped."""


class Gateway:
    """Serves a set of engines under one address."""

    def __init__(
        self,
        engines: Sequence[EngineFacts],
        *,
        metadata: KeyValue | None = None,
        max_active: int = 8,
        parts: Health = no_parts,
    ) -> None:
        """Configure the gateway; `serve` runs it.

        Args:
            engines: the engines, each with a name of its own.
            metadata: where prefixes and sessions are kept; without it they are forgotten when
                the gateway stops. The caller opens and closes it.
            max_active: how many requests may be served at a time.
            parts: the health of the engines' processes, where they are supervised.

        Raises:
            InvalidInput: no engines, a name given twice, or a limit below one.
        """
        if not engines:
            raise InvalidInput("a gateway needs at least one engine")
        self.engines = tuple(engines)
        self._store = metadata
        self._max_active = max_active
        self._parts = parts
        self._service = self._fresh_service()

    def __repr__(self) -> str:
        names = ", ".join(facts.node_id for facts in self.engines)
        return f"<Gateway to {names}>"

    @property
    def restored(self) -> tuple[int, int]:
        """How many prefixes and sessions the last start found in the metadata store."""
        return self._service.restored

    @property
    def max_active(self) -> int:
        """How many requests may be served at a time; settable while it serves."""
        return self._service.admission.limit

    @max_active.setter
    def max_active(self, limit: int) -> None:
        self._service.admission.limit = limit
        self._max_active = limit

    @contextmanager
    def serve(self, port: int = 0) -> Iterator[str]:
        """Serve on loopback while the body runs; the URL.

        Raises:
            PortUnavailable: the port cannot be used.
            BackendStartFailed: the server did not come up.
            StoreCorrupt: the metadata store holds something else.
        """
        from veristack_lab.llmcache.gateway_app import application
        from veristack_lab.runtime import serving
        from veristack_lab.runtime.replies import ollama_shape

        self._service = service = self._fresh_service()

        @asynccontextmanager
        async def running() -> AsyncIterator[None]:
            try:
                await service.start()
                yield
            finally:
                await service.close()

        with serving.in_thread(
            application(service, self._parts),
            port,
            name="gateway",
            shape=ollama_shape,
            grace_s=GRACE_S,
            beside=running,
        ) as url:
            yield url

    def _fresh_service(self) -> Service:
        from veristack_lab.llmcache.metadata import StoreMetadata
        from veristack_lab.llmcache.service import Service

        metadata = StoreMetadata(self._store) if self._store is not None else None
        return Service(self.engines, metadata, self._max_active)
