"""File descriptors of a server: as many as allowed, and a quiet log when all are taken.

Every connection takes one. A server keeps at most `max_connections()`, so that files can still be
opened; a client beyond that is refused. If no descriptor is left even so, connections wait in the
system's queue until others end, and the server goes on. asyncio logs a traceback for each attempt
to accept one, `ACCEPTS` of them a second; here it is one line a minute.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import resource
import time
from typing import Any

OPEN_FILES = 8192
"""Wanted limit of open files: many systems start a process with 1,024 but allow more."""
ACCEPTS = 8
"""How many connections asyncio accepts at once (its `backlog`), before any of them is refused."""
LEAST_CONNECTIONS = 16
QUIET_S = 60.0
"""How long the log says nothing more about a lack of descriptors."""
_LACKS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

_log = logging.getLogger(__name__)


def allow_many() -> None:
    """Raise this process's limit of open files to `OPEN_FILES`, as far as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def max_connections() -> int:
    """How many connections a server may keep: half of the files that may be open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = OPEN_FILES if soft == resource.RLIM_INFINITY else min(soft, OPEN_FILES)
    return max(LEAST_CONNECTIONS, allowed // 2)


class LackLog:
    """An exception handler for an event loop that serves: `loop.set_exception_handler(LackLog())`.

    Everything that is not a lack of descriptors goes to asyncio's own handler.
    """

    def __init__(self) -> None:
        self._quiet_until_s = 0.0

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, ValueError) and "_start_serving" in repr(context.get("handle")):
            return  # asyncio would go on to accept, and the server has ended meanwhile
        if not (isinstance(error, OSError) and error.errno in _LACKS and "socket" in context):
            loop.default_exception_handler(context)
            return
        now_s = time.monotonic()
        if now_s >= self._quiet_until_s:
            self._quiet_until_s = now_s + QUIET_S
            _log.warning("connections wait until others end: %s", error.strerror)
