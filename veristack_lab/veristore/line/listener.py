"""A listening socket on loopback, for every server of the store."""

from __future__ import annotations

import socket

from veristack_lab.errors import InvalidInput

HOST = "127.0.0.1"
_BACKLOG = 1024


def listen(port: int) -> socket.socket:
    """Listen on 127.0.0.1; port 0 picks a free one.

    Raises:
        InvalidInput: the port is taken or not allowed.
    """
    # asyncio switches Nagle's algorithm off only where the protocol is named. With it, an answer
    # in two pieces waits 40 ms for the client's delayed acknowledgement of the first.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except (OSError, OverflowError) as error:
        listener.close()
        raise InvalidInput(
            f"port {port} cannot be used ({error}); choose another, or 0 for any free one"
        ) from None
    listener.listen(_BACKLOG)
    return listener
