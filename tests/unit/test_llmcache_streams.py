"""A stream of the gateway is closed however its client leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from veristack_lab.llmcache.engines import Finish, TextPiece
from veristack_lab.llmcache.streams import ClosedStream

SCOPE = {"type": "http", "asgi": {"spec_version": "2.3"}}


class Client:
    """Takes nothing of the reply from the given message on, and goes away then."""

    def __init__(self, reads: int) -> None:
        self._left = reads
        self._stuck = asyncio.Event()

    async def send(self, _: Any) -> None:
        self._left -= 1
        if self._left < 0:
            self._stuck.set()
            await asyncio.Event().wait()  # its buffers are full

    async def receive(self) -> dict[str, str]:
        await self._stuck.wait()
        return {"type": "http.disconnect"}


@pytest.mark.parametrize("reads", [0, 1, 2, 5])
def test_the_engines_answer_is_closed_when_the_response_ends(reads: int) -> None:
    closed: list[str] = []

    async def answer() -> AsyncGenerator[TextPiece | Finish, None]:
        try:
            while True:
                yield TextPiece("a", (1,))
        finally:
            closed.append("items")

    async def lines(items: AsyncGenerator[TextPiece | Finish, None]) -> AsyncGenerator[bytes, None]:
        async for _ in items:
            yield b"{}"

    async def respond() -> None:
        items = answer()
        await anext(items)  # as the gateway does, for a status of its own
        client = Client(reads)
        await ClosedStream(lines(items), items)(SCOPE, client.receive, client.send)
        assert closed == ["items"], "the engine's answer is left to the garbage collector"

    asyncio.run(respond())
