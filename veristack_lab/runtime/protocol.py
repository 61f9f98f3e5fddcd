"""HTTP/1.1 on one connection: bounds on a client's silence, refusals in the face's own shape.

uvicorn bounds the idle time between two requests and nothing else. Here a connection also ends if

- no byte comes within `keep_alive` of its beginning,
- the head of a request has begun and is not complete within `HEAD_S`, however steadily it drips,
- nothing of a body comes within `SILENCE_S` (noticed within twice that) while the server reads.

The client gets a 408 if its reply has not begun; a client beyond `max_connections` gets a 503. So
half a request holds a connection, a task or a thread for a bounded time. How slowly a body may drip
is not bounded: uploads over bad lines are slow. A client that reads nothing is cut by the system:
see `listening`.
"""

from __future__ import annotations

import asyncio
import sys
from http import HTTPStatus
from typing import cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from veristack_lab.runtime.counting import counted
from veristack_lab.runtime.descriptors import OPEN_FILES
from veristack_lab.runtime.replies import Refusal, Shape, plain_shape

HEAD_S = 30.0
"""How long the head of a request may take from its first byte to its last."""
SILENCE_S = 60.0
"""How long a client may send nothing of a body that is awaited."""
PARTING_S = 1.0
PARTING_BYTES = 4 * 1024 * 1024
"""What a refused client still sends is read and dropped, within these bounds: closed with bytes
unread, TCP would reset the connection, and the reply be lost."""


class Protocol(H11Protocol):
    """One connection. Subclasses set the limits and the shape; see `protocol_class`."""

    shape: Shape = staticmethod(plain_shape)
    head_s: float = HEAD_S
    silence_s: float = SILENCE_S
    max_connections: int = OPEN_FILES

    _head_timer: asyncio.TimerHandle | None = None
    _silence_timer: asyncio.TimerHandle | None = None
    _parting_timer: asyncio.TimerHandle | None = None
    _parting_bytes = PARTING_BYTES
    _was_heard = False
    _was_paused = False

    # What asyncio and uvicorn call.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )
        if len(self.connections) > self.max_connections:
            message = f"the server keeps at most {counted(self.max_connections, 'connection')}"
            self._refuse(Refusal(503, "TooManyConnections", message))
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._head_timer, self._silence_timer, self._parting_timer):
            if timer is not None:
                timer.cancel()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._parting_timer is not None:
            self._parting_bytes -= len(data)
            if self._parting_bytes < 0:
                self.transport.close()
            return
        self._was_heard = True
        super().data_received(data)

    def eof_received(self) -> None:
        if self._parting_timer is not None:
            self.transport.close()
        super().eof_received()

    def handle_events(self) -> None:
        super().handle_events()
        if self.transport.is_closing() or self._parting_timer is not None:
            return
        is_in_head = self.conn.their_state is h11.IDLE and bool(self.conn.trailing_data[0])
        if is_in_head and self._head_timer is None:
            self._head_timer = self.loop.call_later(self.head_s, self._head_is_late)
        elif not is_in_head and self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
        if self.conn.their_state is h11.SEND_BODY and self._silence_timer is None:
            self._await_body()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP. uvicorn calls it where it handles h11's error."""
        error = sys.exception()
        status, kind = 400, "BadRequest"
        if isinstance(error, h11.RemoteProtocolError):
            status = HTTPStatus(error.error_status_hint)
            kind = kind if status == 400 else status.phrase.title().replace(" ", "")
            # h11 quotes what it was sent behind a colon; that goes nowhere
            msg = f"this is not a valid HTTP request: {str(error).partition(':')[0]}"
        self._refuse(Refusal(status, kind, msg))

    def shutdown(self) -> None:
        if self._parting_timer is not None:
            self.transport.close()
        else:
            super().shutdown()

    # Limits.

    def _head_is_late(self) -> None:
        self._head_timer = None
        message = f"the head of the request did not come within {self.head_s:g} s"
        self._refuse(Refusal(408, "RequestTimeout", message))

    def _await_body(self) -> None:
        self._was_heard = False
        self._was_paused = self._is_our_turn()
        self._silence_timer = self.loop.call_later(self.silence_s, self._look_for_body)

    def _is_our_turn(self) -> bool:
        """Whether the client can send nothing, because we do not read or have not asked yet."""
        return self.flow.read_paused or self.cycle.waiting_for_100_continue

    def _look_for_body(self) -> None:
        """Cut a client that sent nothing since the last look, although it could."""
        self._silence_timer = None
        if self.transport.is_closing() or self.conn.their_state is not h11.SEND_BODY:
            return
        if self._was_heard or self._was_paused or self._is_our_turn():
            self._await_body()
            return
        message = f"nothing of the body came within {self.silence_s:g} s"
        self._refuse(Refusal(408, "RequestTimeout", message))

    # Refusals.

    def _refuse(self, refusal: Refusal) -> None:
        """Answer and hang up. If the reply to this request has begun, only hang up."""
        if self.transport.is_closing() or self._parting_timer is not None:
            return
        self._unset_keepalive_if_required()
        cycle = cast("RequestResponseCycle | None", self.cycle)  # uvicorn begins with None
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True  # the application sees that the client is gone
            cycle.message_event.set()
            if cycle.response_started:
                self.transport.abort()
                return
        content_type, body = self.shape(refusal)
        head = (
            f"HTTP/1.1 {refusal.status:d} {HTTPStatus(refusal.status).phrase}\r\n"
            f"content-type: {content_type}\r\ncontent-length: {len(body)}\r\n"
            "connection: close\r\n\r\n"
        )
        self.transport.write(head.encode("ascii") + body)
        try:
            self.transport.write_eof()
        except OSError:  # the client has gone meanwhile
            self.transport.abort()
            return
        self.flow.resume_reading()
        self._parting_timer = self.loop.call_later(PARTING_S, self.transport.close)


def protocol_class(
    shape: Shape,
    *,
    head_s: float = HEAD_S,
    silence_s: float = SILENCE_S,
    max_connections: int = OPEN_FILES,
) -> type[Protocol]:
    """The class for the connections of one server.

    Args:
        shape: how a request that is not HTTP, or does not come, is refused.
        head_s: how long the head of a request may take.
        silence_s: how long a client may send nothing of a body.
        max_connections: how many connections the server keeps; others are refused.
    """
    limits = {
        "shape": staticmethod(shape),
        "head_s": head_s,
        "silence_s": silence_s,
        "max_connections": max_connections,
    }
    return type("ServerProtocol", (Protocol,), limits)
