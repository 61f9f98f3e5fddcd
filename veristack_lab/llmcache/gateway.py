"""The gateway: one address in front of all engines, speaking Ollama's API.

    with Gateway(engines).serve() as url:
        ollama.Client(host=url).generate(model="text", prompt="Once upon a time")

The names `text` and `embeddings` stand for whatever serves them; replies carry the real name.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from veristack_lab.errors import BackendStartFailed, InvalidInput
from veristack_lab.llmcache.facts import EngineFacts

if TYPE_CHECKING:
    from veristack_lab.llmcache.service import Service
    from veristack_lab.veristore.keyvalue import KeyValue

POLL_INTERVAL_S = 0.01
GRACE_S = 2
"""How long requests in progress may go on when the gateway is stopped."""


class Gateway:
    """Serves a set of engines under one address."""

    def __init__(
        self,
        engines: Sequence[EngineFacts],
        *,
        metadata: KeyValue | None = None,
        max_active: int = 8,
    ) -> None:
        """Say what to serve; `serve` does it.

        Args:
            engines: the engines, each with a name of its own.
            metadata: where prefixes and sessions are kept; without it they are forgotten when
                the gateway stops. The caller opens and closes it.
            max_active: how many requests may be served at a time.

        Raises:
            InvalidInput: no engines, a name given twice, or a limit below one.
        """
        if not engines:
            raise InvalidInput("a gateway needs at least one engine")
        self.engines = tuple(engines)
        self._store = metadata
        self._max_active = max_active
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
            BackendStartFailed: the port is taken.
            StoreCorrupt: the metadata store holds something else.
        """
        self._service = self._fresh_service()
        listener = _listen(port)
        try:
            serving = _Serving(self._service, listener)
            serving.start()
            try:
                yield f"http://127.0.0.1:{listener.getsockname()[1]}"
            finally:
                serving.stop()
        finally:
            listener.close()

    def _fresh_service(self) -> Service:
        from veristack_lab.llmcache.metadata import StoreMetadata
        from veristack_lab.llmcache.service import Service

        metadata = StoreMetadata(self._store) if self._store is not None else None
        return Service(self.engines, metadata, self._max_active)


def _listen(port: int) -> socket.socket:
    # With the protocol named, asyncio sets TCP_NODELAY on accepted connections; else every second
    # reply waits 40 ms for an acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise BackendStartFailed(
            f"the gateway cannot listen on port {port}: {error.strerror}. Give another one."
        ) from error
    return listener


class _Serving:
    """The thread with the event loop that owns the service."""

    def __init__(self, service: Service, listener: socket.socket) -> None:
        import uvicorn

        from veristack_lab.llmcache.gateway_app import application

        config = uvicorn.Config(
            application(service),
            log_level="critical",
            access_log=False,
            lifespan="off",  # the service is started first, so that its error reaches the caller
            timeout_graceful_shutdown=GRACE_S,
        )
        self._service = service
        self._listener = listener
        self._server = uvicorn.Server(config)
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="gateway", daemon=True)

    def start(self) -> None:
        self._thread.start()
        while self._thread.is_alive() and not self._server.started:
            self._thread.join(POLL_INTERVAL_S)
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as failure:  # noqa: BLE001 - raised again in the caller's thread
            self._failure = failure

    async def _serve(self) -> None:
        try:
            await self._service.start()
            await self._server.serve(sockets=[self._listener])
        finally:
            await self._service.close()
