"""HTTP to an engine, on connections that are kept open between requests.

A server closes a connection that was idle for some seconds. A request that is sent in the same
instant fails although the server is healthy, and must not count as the death of an engine: it is
sent once more. An engine that has really died then refuses the new connection.
"""

from __future__ import annotations

import httpx

KEEPALIVE_EXPIRY_S = 2.0
"""Shorter than the 5 s after which llama.cpp's server closes an idle connection."""


class EngineTransport(httpx.AsyncHTTPTransport):
    """Repeats a request once when its connection broke before a byte of the reply came.

    Safe because every request to an engine may be repeated: none of them changes anything but
    what is cached.
    """

    def __init__(self) -> None:
        super().__init__(limits=httpx.Limits(keepalive_expiry=KEEPALIVE_EXPIRY_S), trust_env=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return await super().handle_async_request(request)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            return await super().handle_async_request(request)
