"""Cheap honest questions to a running server: why it does not answer, or an empty string.

A reply of any kind is an answer, a refusal too: what is asked is whether the server does anything.
Each question ends within `LIMIT_S`.
"""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

from veristack_lab.runtime import guardian

LIMIT_S = 5.0
_STOPPED = (b"T", b"t")
"""The letters in `/proc` of a process that a signal or a debugger has stopped."""


def stopped(pid: int) -> str:
    """Whether a process is stopped (SIGSTOP): it answers nothing, and its sockets stay open."""
    fields = guardian.stat_fields(pid)
    if fields is None:
        return ""  # it is gone, which is not silence
    return "its process is stopped (SIGSTOP)" if fields[0] in _STOPPED else ""


def http_silence(url: str, limit_s: float = LIMIT_S) -> str:
    """Whether an HTTP server replies to a GET, with any status.

    Args:
        url: `http://host:port/path`.
        limit_s: how long the reply may take.
    """
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=limit_s)
    try:
        connection.request("GET", parts.path or "/")
        connection.getresponse()
    except TimeoutError:
        return f"no HTTP reply within {limit_s:g} s"
    except (OSError, http.client.HTTPException) as error:
        return f"no HTTP reply: {error}"
    finally:
        connection.close()
    return ""


def postgres_silence(conninfo: str, limit_s: float = LIMIT_S) -> str:
    """Whether a Postgres takes a new connection, or refuses it in words.

    Args:
        conninfo: a libpq connection string or URL.
        limit_s: how long that may take; whole seconds, at least 2 (libpq's own limit).
    """
    import psycopg

    try:
        psycopg.connect(conninfo, connect_timeout=max(2, int(limit_s))).close()
    except psycopg.OperationalError as error:
        if "FATAL:" in str(error):
            return ""  # it starts, ends, or has no room: those are answers
        return f"no new connection within {limit_s:g} s: {str(error).strip()}"
    return ""
