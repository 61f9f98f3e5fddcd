"""The line protocol over TCP: one task a connection, the store's calls in threads.

The threads are what makes group commit work over the network: connections that write at the
same time share a sync. Nothing a client sends ends the server: bad lines get an ERR line, a
line of more than 1 MiB an ERR line and a closed connection; so does HTTP.

When the server is told to stop, commands under way are finished and their replies sent. A client
that does not take its reply within `STOP_LIMIT_S` is cut off, so that no client can keep the server
alive.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from veristack_lab.runtime.descriptors import ACCEPTS, LackLog, allow_many, max_connections
from veristack_lab.runtime.listening import BACKLOG
from veristack_lab.veristore.kv import Store
from veristack_lab.veristore.line.commands import (
    BYE,
    MAX_LINE_BYTES,
    BadLength,
    execute,
    execute_by_length,
    lengths,
    other_protocol,
)

STOP_LIMIT_S = 5.0
"""How long clients have to take their last replies when the server stops."""
_PARTING_S = 1.0
_PARTING_BYTES = 4 * 1024 * 1024
"""What a client has sent after the line that ended its connection is read and dropped, within
these bounds: closed with bytes unread, TCP would reset the connection, and the reply be lost."""
_THREADS = 64


class LineServer:
    """Serves one store on a listening socket."""

    def __init__(self, store: Store, listener: socket.socket) -> None:
        self._store = store
        self._listener = listener
        self._max_connections = max_connections()
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    @property
    def port(self) -> int:
        """The TCP port it listens on."""
        number: int = self._listener.getsockname()[1]
        return number

    async def run(self, stop: asyncio.Event, on_ready: Callable[[int], None]) -> None:
        """Serve until `stop` is set; then finish commands under way, within `STOP_LIMIT_S`."""
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="veristore") as threads:

            async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                await self._converse(reader, writer, threads, stop)

            server = await asyncio.start_server(
                connected, sock=self._listener, limit=MAX_LINE_BYTES, backlog=ACCEPTS
            )
            self._listener.listen(BACKLOG)  # asyncio has set it to `ACCEPTS`
            on_ready(self.port)
            await stop.wait()
            server.close()
            await self._part()

    async def _part(self) -> None:
        """Let every connection finish, and cut off those that do not."""
        if not self._connections:
            return
        _, late = await asyncio.wait(self._connections, timeout=STOP_LIMIT_S)
        for task in late:
            self._connections[task].transport.abort()
        if late:
            await asyncio.wait(late)

    async def _converse(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        threads: ThreadPoolExecutor,
        stop: asyncio.Event,
    ) -> None:
        task = asyncio.current_task()
        assert task is not None  # a coroutine that runs has a task
        if len(self._connections) >= self._max_connections:
            writer.write(b"ERR the server keeps no more connections than it has: try again later\n")
            writer.close()
            return
        self._connections[task] = writer
        try:
            refusal = await self._answer_all(reader, writer, threads, stop)
            if refusal:
                await _refuse(refusal, reader, writer)
        except OSError:
            return  # the client went away (ENOTCONN too); what it wrote is written
        finally:
            writer.close()
            del self._connections[task]

    async def _answer_all(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        threads: ThreadPoolExecutor,
        stop: asyncio.Event,
    ) -> str:
        """Answer command after command. Returns why the connection must be closed, if so."""
        try:
            # Asked before each command: a client that sends without a pause is stopped too.
            while not stop.is_set():
                line = await _next(reader.readuntil(b"\n"), stop)
                if line is None:
                    break
                if refusal := other_protocol(line[:-1]):
                    return refusal
                reply = await self._answer(line, reader, threads, stop)
                if reply is None:
                    break
                writer.write(reply + b"\n")
                await writer.drain()
                if reply == BYE.encode():
                    break
        except asyncio.LimitOverrunError:
            return f"ERR the line is longer than {MAX_LINE_BYTES} bytes"
        except BadLength as error:
            return str(error)
        return ""

    async def _answer(
        self,
        line: bytes,
        reader: asyncio.StreamReader,
        threads: ThreadPoolExecutor,
        stop: asyncio.Event,
    ) -> bytes | None:
        """The reply to a command; None if the command is incomplete."""
        loop, line = asyncio.get_running_loop(), line[:-1]
        sizes = lengths(line)
        if sizes is None:
            return (await loop.run_in_executor(threads, execute, self._store, line)).encode()
        body = await _next(reader.readexactly(sum(sizes) + 1), stop)
        if body is None:
            return None
        if body[-1:] != b"\n":
            raise BadLength("ERR no newline stands behind what the lengths say")
        parts = (body[: sizes[0]], *([body[sizes[0] : -1]] if len(sizes) > 1 else []))
        return await loop.run_in_executor(threads, execute_by_length, self._store, line, parts)


async def _refuse(refusal: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say why, hang up, and drop what is still coming in, so that the reply arrives."""
    writer.write(f"{refusal}\n".encode())
    writer.write_eof()
    with suppress(TimeoutError):
        async with asyncio.timeout(_PARTING_S):
            left = _PARTING_BYTES
            while left > 0 and (dropped := await reader.read(left)):
                left -= len(dropped)


async def _next(reading: Coroutine[Any, Any, bytes], stop: asyncio.Event) -> bytes | None:
    """The bytes read; None when the connection or the server ends.

    Raises:
        LimitOverrunError: it is a line, and it is too long.
    """
    reader = asyncio.ensure_future(reading)
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait((reader, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not reader.done():
        reader.cancel()
        return None
    try:
        return reader.result()
    except asyncio.IncompleteReadError:
        return None  # an incomplete command is ignored


def serve(store: Store, listener: socket.socket, on_ready: Callable[[int], None]) -> None:
    """Serve until SIGTERM or SIGINT. For a main thread; `on_ready` gets the port."""
    allow_many()

    async def main() -> None:
        stop = asyncio.Event()
        asyncio.get_running_loop().set_exception_handler(LackLog())
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await LineServer(store, listener).run(stop, on_ready)

    asyncio.run(main())
