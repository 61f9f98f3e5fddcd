"""File descriptors of a server: as many as allowed, and a quiet log when all are taken.

Every connection takes one. When none is left, connections wait in the system's queue until others
end, and the server goes on. asyncio logs a traceback for each attempt to accept one, thousands a
second; here it is one line a minute.
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


class LackLog:
    """An exception handler for an event loop that serves: `loop.set_exception_handler(LackLog())`.

    Everything that is not a lack of descriptors goes to asyncio's own handler.
    """

    def __init__(self) -> None:
        self._quiet_until_s = 0.0

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not (isinstance(error, OSError) and error.errno in _LACKS and "socket" in context):
            loop.default_exception_handler(context)
            return
        now_s = time.monotonic()
        if now_s >= self._quiet_until_s:
            self._quiet_until_s = now_s + QUIET_S
            _log.warning("connections wait until others end: %s", error.strerror)
