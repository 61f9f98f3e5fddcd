"""The reply that comes line by line, closed however its client leaves."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from veristack_lab.llmcache.engines import Finish, TextPiece

Items = AsyncGenerator[TextPiece | Finish, None]
"""What an engine answers, piece by piece."""


class ClosedStream(StreamingResponse):
    """Lines that are closed however it ends. Starlette leaves those of a client that goes away
    while it does not read to the garbage collector, and the engine would go on meanwhile."""

    def __init__(self, lines: AsyncGenerator[bytes, None], items: Items, **rest: Any) -> None:
        super().__init__(lines, **rest)
        self._opened = (items, lines)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        items, lines = self._opened
        async with aclosing(items), aclosing(lines):  # the lines first: they read the items
            await super().__call__(scope, receive, send)
