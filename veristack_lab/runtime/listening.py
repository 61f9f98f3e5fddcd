"""A listening socket on loopback, for every server of the lab."""

from __future__ import annotations

import socket

from veristack_lab.errors import PortUnavailable

HOST = "127.0.0.1"
MAX_PORT = 65_535
BACKLOG = 1024
"""Connections that may wait to be accepted."""
UNREAD_S = 120.0
"""How long a client may leave what was sent to it unread, once the buffers between are full.

The system then cuts the connection. Otherwise a client that asks and never reads would keep a
handler, its place and an open file until the server ends."""


def listen(port: int) -> socket.socket:
    """Listen on 127.0.0.1; port 0 picks a free port. The caller closes the socket.

    Every accepted connection has TCP_NODELAY, and ends if its client reads nothing for `UNREAD_S`.

    Raises:
        PortUnavailable: the port is taken, is reserved, or is not a port.
    """
    if not 0 <= port <= MAX_PORT:
        raise PortUnavailable(
            f"port {port} is not a port: choose one from 1 to {MAX_PORT}, or 0 for any free one"
        )
    # asyncio switches Nagle's algorithm off only where the protocol is named. With it, an answer
    # in two pieces waits 40 ms for the client's delayed acknowledgement of the first.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Linux hands these on to accepted sockets, for servers without asyncio.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(UNREAD_S * 1000))
        listener.bind((HOST, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise PortUnavailable(
            f"port {port} cannot be used ({error.strerror}): choose another, or 0 for any free one"
        ) from error
    return listener


def require_port(port: int) -> None:
    """Refuse a port that cannot be used, before a service starts all that stands behind it.

    Raises:
        PortUnavailable: see `listen`, which may still raise it later if the port is taken then.
    """
    listen(port).close()


def port_of(listener: socket.socket) -> int:
    """The port that a socket of `listen` is bound to."""
    port: int = listener.getsockname()[1]
    return port


def url_of(listener: socket.socket) -> str:
    """The address of an HTTP server on a socket of `listen`."""
    return f"http://{HOST}:{port_of(listener)}"
