"""Serving an ASGI application on loopback: in a thread, or until a signal comes.

A server ends within its grace plus `CANCEL_S`, whatever its clients do: when the grace is over,
connections that are still open are cut, so that a client that never reads, or never sends the rest
of its request, cannot keep the server alive. While it serves, `protocol` bounds how long a client
may keep a connection with half a request.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import math
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext

import uvicorn
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from veristack_lab.errors import BackendStartFailed
from veristack_lab.runtime.descriptors import ACCEPTS, LackLog, allow_many, max_connections
from veristack_lab.runtime.listening import BACKLOG, listen, url_of
from veristack_lab.runtime.processes import stretched
from veristack_lab.runtime.protocol import protocol_class
from veristack_lab.runtime.replies import Shape, plain_shape
from veristack_lab.runtime.stopping import calling_on_signals

_log = logging.getLogger(__name__)

GRACE_S = 3.0
"""How long requests in progress may go on when a server is stopped."""
CANCEL_S = 2.0
"""How long handlers may take to end once their connections were cut."""
JOIN_S = 10.0
"""How much longer the owner of a server's thread waits for what runs beside the server."""
START_TIMEOUT_S = 15.0
"""On a quiet machine; on a busy one it is stretched."""
KEEP_ALIVE_S = 75
"""Longer than clients keep an idle connection, so that the client closes it: a request on a
connection that the server is just closing would fail."""

Beside = Callable[[], AbstractAsyncContextManager[object]]
"""Something that lives in the server's event loop, from before the first request to after the
last."""


class Server(uvicorn.Server):
    """uvicorn that reports when it answers, leaves signals alone and always ends."""

    def __init__(
        self,
        app: ASGIApp,
        on_ready: Callable[[], object],
        *,
        shape: Shape = plain_shape,
        grace_s: float = GRACE_S,
        date_header: bool = True,
    ) -> None:
        config = uvicorn.Config(
            self._until_cut,
            interface="asgi3",
            proxy_headers=False,  # no proxy is trusted
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            http=protocol_class(shape, max_connections=max_connections()),
            backlog=ACCEPTS,
            date_header=date_header,
            server_header=False,
            timeout_graceful_shutdown=math.ceil(grace_s + CANCEL_S),
            timeout_keep_alive=KEEP_ALIVE_S,
        )
        super().__init__(config)
        self._app = app
        self._on_ready = on_ready
        self._grace_s = grace_s
        self._is_cut = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().set_exception_handler(LackLog())
        await super().startup(sockets)
        for listener in sockets or ():
            listener.listen(BACKLOG)  # asyncio has set it to `ACCEPTS`
        self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        cut = asyncio.get_running_loop().call_later(self._grace_s, self._cut)
        try:
            await super().shutdown(sockets)
        finally:
            cut.cancel()
            self._cut()

    def _cut(self) -> None:
        """Abort the connections that are left: their handlers see that the client is gone."""
        self._is_cut = True
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    async def _until_cut(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The application. uvicorn drops what is sent to a connection that is gone, so an endless
        handler would fill the event loop for ever: here it is ended."""

        async def sending(message: Message) -> None:
            if self._is_cut:
                raise ClientDisconnect
            await send(message)
            if message.get("more_body"):
                # Without this a handler whose client is gone would never let the loop tell it so.
                await asyncio.sleep(0)

        try:
            await self._app(scope, receive, sending)
        except ClientDisconnect:
            return

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # signals belong to the main thread's owner: see `stopping`


def run(
    app: ASGIApp,
    port: int,
    on_ready: Callable[[str], object],
    *,
    shape: Shape = plain_shape,
    grace_s: float = GRACE_S,
    date_header: bool = True,
) -> None:
    """Serve until SIGTERM or SIGINT, then return. For a main thread.

    A second signal ends the grace at once.

    Args:
        app: what is served.
        port: on 127.0.0.1; 0 picks a free one.
        on_ready: called with the URL once the server answers.
        shape: how a request that is not HTTP is refused.
        grace_s: how long requests in progress may go on after the signal.
        date_header: whether every reply gets a `Date`.

    Raises:
        PortUnavailable: the port cannot be used.
    """
    allow_many()
    with listen(port) as listener:
        url = url_of(listener)
        ready = functools.partial(on_ready, url)
        server = Server(app, ready, shape=shape, grace_s=grace_s, date_header=date_header)

        def stop() -> None:
            server.force_exit = server.should_exit
            server.should_exit = True

        with calling_on_signals(stop):
            server.run(sockets=[listener])


@contextmanager
def in_thread(
    app: ASGIApp,
    port: int = 0,
    *,
    name: str,
    shape: Shape = plain_shape,
    grace_s: float = GRACE_S,
    date_header: bool = True,
    beside: Beside = nullcontext,
) -> Iterator[str]:
    """Serve from a thread of this process while the body runs; yields the URL.

    Args:
        app, port, shape, grace_s, date_header: see `run`.
        name: of the thread, and in messages.
        beside: entered in the server's event loop before it answers and left after its last
            reply. What it raises is raised here.

    Raises:
        PortUnavailable: the port cannot be used.
        BackendStartFailed: the server did not come up.
    """
    with listen(port) as listener:
        ready = threading.Event()
        server = Server(app, ready.set, shape=shape, grace_s=grace_s, date_header=date_header)
        thread = _Thread(server, listener, beside, ready, name)
        thread.start()
        try:
            limit_s = stretched(START_TIMEOUT_S)
            if not ready.wait(limit_s):
                raise BackendStartFailed(
                    f"{name} did not begin to serve within {limit_s:.3g} s; on a quiet machine it "
                    f"takes less than {START_TIMEOUT_S:g} s. Stop other programs, and try again"
                )
            thread.raise_failure()
            yield url_of(listener)
        finally:
            server.should_exit = True
            thread.join(grace_s + CANCEL_S + JOIN_S)
            if thread.is_alive():
                _log.error("%s did not end within its limit; its thread is left behind", name)
        thread.raise_failure()


class _Thread(threading.Thread):
    """The thread with the event loop. Its failure is kept for the thread that asked."""

    def __init__(
        self,
        server: Server,
        listener: socket.socket,
        beside: Beside,
        ready: threading.Event,
        name: str,
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._server = server
        self._listener = listener
        self._beside = beside
        self._ready = ready
        self._failure: BaseException | None = None

    def run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as failure:  # noqa: BLE001 - raised again in the caller's thread
            self._failure = failure
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        async with self._beside():
            await self._server.serve(sockets=[self._listener])

    def raise_failure(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
