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
    listener = socket.socket()
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
