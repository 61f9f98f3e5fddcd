"""A connection that breaks is not an engine that died; a refused one is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest

from veristack_lab.llmcache.engines.transport import EngineTransport

Streams = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
REPLY = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


def closing_after(replies: int, seen: list[bytes]) -> Streams:
    """A server that takes one request more than it answers on each connection, then hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answered = 0
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
                seen.append(await reader.readexactly(length))
                if answered == replies:
                    break
                answered += 1
                writer.write(REPLY)
                await writer.drain()
        except asyncio.IncompleteReadError:
            pass  # the client went away first
        finally:
            writer.close()

    return serve


async def post_twice(handler: Streams) -> list[httpx.Response]:
    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        async with httpx.AsyncClient(transport=EngineTransport()) as client:
            url = f"http://127.0.0.1:{port}/completion"
            return [await client.post(url, content=body) for body in (b"one", b"two")]
    finally:
        server.close()
        await server.wait_closed()


def test_a_request_on_a_connection_that_closes_under_it_is_sent_once_more() -> None:
    seen: list[bytes] = []
    replies = asyncio.run(post_twice(closing_after(1, seen)))
    assert [reply.text for reply in replies] == ["ok", "ok"]
    assert seen == [b"one", b"two", b"two"]


def test_a_server_that_never_answers_is_asked_twice_and_no_more() -> None:
    seen: list[bytes] = []
    with pytest.raises(httpx.RemoteProtocolError):
        asyncio.run(post_twice(closing_after(0, seen)))
    assert seen == [b"one", b"one"]
