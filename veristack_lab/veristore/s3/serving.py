"""Running the S3 face: until a signal comes, or in a thread of this process.

The face (`S3App`) speaks S3's REST interface as its clients do, boto3 unchanged: see
`routes` for what there is. It listens on loopback only.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import uvicorn

from veristack_lab.errors import BackendStartFailed, InvalidInput
from veristack_lab.veristore.line.listener import HOST, listen
from veristack_lab.veristore.objects.store import ObjectStore
from veristack_lab.veristore.s3.app import S3App
from veristack_lab.veristore.s3.sigv4 import Credentials

__all__ = ["Credentials", "S3App", "credentials_from", "serve", "serve_in_thread"]

ACCESS_KEY_VARIABLE = "AWS_ACCESS_KEY_ID"
SECRET_KEY_VARIABLE = "AWS_SECRET_ACCESS_KEY"  # noqa: S105 the name of a variable
_START_TIMEOUT_S = 10.0
_KEEP_ALIVE_S = 75
"""Longer than clients keep an idle connection, so that it is they who close it: a request on
a connection that the server is just closing would fail."""


def credentials_from(environment: Mapping[str, str] = os.environ) -> Credentials | None:
    """The credentials in the environment, or None.

    Raises:
        InvalidInput: only one of the two variables is set.
    """
    access, secret = (
        environment.get(name, "") for name in (ACCESS_KEY_VARIABLE, SECRET_KEY_VARIABLE)
    )
    if bool(access) != bool(secret):
        raise InvalidInput(
            f"set both {ACCESS_KEY_VARIABLE} and {SECRET_KEY_VARIABLE}, or neither for a server "
            "that takes unsigned requests"
        )
    return Credentials(access, secret) if access else None


class _Server(uvicorn.Server):
    """Tells when it answers and heeds signals, not merely when it listens."""

    def __init__(self, app: S3App, on_ready: Callable[[], None]) -> None:
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            http="h11",
            date_header=False,  # uvicorn's may be a second old, before what was just modified
            server_header=False,
            timeout_graceful_shutdown=5,
            timeout_keep_alive=_KEEP_ALIVE_S,
        )
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()


def serve(
    objects: ObjectStore,
    port: int,
    on_ready: Callable[[str], None],
    *,
    credentials: Credentials | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, then return; `on_ready` gets the URL. For a main thread.

    Args:
        objects: what is served.
        port: on 127.0.0.1; 0 picks a free one.
        on_ready: called once the server answers.
        credentials: requests must be signed with them; None takes all requests.

    Raises:
        InvalidInput: the port cannot be used.
    """
    with listen(port) as listener:
        url = _url(listener)
        server = _Server(S3App(objects, credentials), lambda: on_ready(url))

        def stop(*_: object) -> None:
            server.should_exit = True

        # uvicorn takes the signals over while it runs, and afterwards raises what it caught
        # once more: that must not end the process before the caller has closed the store.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        server.run(sockets=[listener])


@contextmanager
def serve_in_thread(
    objects: ObjectStore, port: int = 0, *, credentials: Credentials | None = None
) -> Iterator[str]:
    """Serve from a thread of this process while the body runs; yields the URL.

    Args:
        objects, port, credentials: see `serve`.

    Raises:
        InvalidInput: the port cannot be used.
        BackendStartFailed: the server did not come up.
    """
    with listen(port) as listener:
        ready = threading.Event()
        server = _Server(S3App(objects, credentials), ready.set)
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listener]}, name="veristore-s3", daemon=True
        )
        thread.start()
        try:
            if not ready.wait(_START_TIMEOUT_S):
                raise BackendStartFailed("the S3 face did not come up")
            yield _url(listener)
        finally:
            server.should_exit = True
            thread.join()


def _url(listener: socket.socket) -> str:
    return f"http://{HOST}:{listener.getsockname()[1]}"
