"""The gateway: one address in front of all engines, speaking Ollama's API.

    with Gateway(engines).serve() as url:
        ollama.Client(host=url).generate(model="text", prompt="Once upon a time")

The names `text` and `embeddings` stand for whatever serves them; replies carry the real name.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from veristack_lab.errors import BackendStartFailed, InvalidInput
from veristack_lab.llmcache.facts import EngineFacts

if TYPE_CHECKING:
    import uvicorn

    from veristack_lab.llmcache.service import Service
    from veristack_lab.veristore import Store

START_TIMEOUT_S = 30.0
GRACE_S = 2
"""How long requests in progress may go on when the gateway is stopped."""


class Gateway:
    """Serves a set of engines under one address."""

    def __init__(
        self,
        engines: Sequence[EngineFacts],
        *,
        metadata: Store | None = None,
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
            BackendStartFailed: the port is taken, or the metadata cannot be read.
        """
        import uvicorn

        from veristack_lab.llmcache.gateway_app import application

        self._service = self._fresh_service()
        listener = _listen(port)
        config = uvicorn.Config(
            application(self._service),
            log_level="critical",
            access_log=False,
            lifespan="on",
            timeout_graceful_shutdown=GRACE_S,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listener]}, name="gateway", daemon=True
        )
        try:
            thread.start()
            _wait_until_started(server, thread)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
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


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    waited_s = 0.0
    while not server.started:
        thread.join(0.01)
        waited_s += 0.01
        if not thread.is_alive() or waited_s > START_TIMEOUT_S:
            with suppress(AttributeError):
                server.should_exit = True
            raise BackendStartFailed(
                "the gateway did not start: its metadata store cannot be read, or it waits for "
                "an engine that does not answer"
            )
