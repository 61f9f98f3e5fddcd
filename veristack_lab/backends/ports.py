"""Start a server on a free port, and try another if a second process took it first."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TypeVar

from veristack_lab.errors import ProcessDied
from veristack_lab.runtime.processes import free_port

T = TypeVar("T")

ATTEMPTS = 4
PROBE_TIMEOUT_S = 0.5


def is_listening(port: int) -> bool:
    """Whether a connection to this loopback port is accepted."""
    try:
        with socket.create_connection(("127.0.0.1", port), PROBE_TIMEOUT_S):
            return True
    except OSError:
        return False


def start_on_free_ports(
    start: Callable[[tuple[int, ...]], T], count: int = 1, attempts: int = ATTEMPTS
) -> T:
    """Call `start` with `count` free ports, and with others if the first ones were taken meanwhile.

    A free port is free only until another process binds it. So if the server dies at once and one
    of its ports turns out to be taken, it is started again on other ports.

    Args:
        start: starts the server on exactly these ports and returns when it is ready.

    Raises:
        ProcessDied: the server died although its ports were free, or every attempt lost.
    """
    for attempt in range(attempts):
        ports: set[int] = set()
        while len(ports) < count:
            ports.add(free_port())
        chosen = tuple(sorted(ports))
        try:
            return start(chosen)
        except ProcessDied:
            if attempt == attempts - 1 or not any(map(is_listening, chosen)):
                raise
    raise AssertionError("unreachable: the last attempt returns or raises")
