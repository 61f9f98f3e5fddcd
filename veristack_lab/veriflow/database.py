"""Connections to the job database, and the one way to a transaction on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.rows import DictRow

from veristack_lab.runtime import postgres

WHAT = "the job database"

Cursor = psycopg.Cursor[DictRow]
Row = dict[str, Any]


class Database:
    """A few connections to one schema, for any number of threads; `close()` ends them.

    Args:
        connections: how many to keep at most.
        timeout_s: how long to wait for a connection before giving up.
    """

    def __init__(
        self,
        conninfo: str,
        schema: str,
        connections: int = 4,
        timeout_s: float = postgres.WAIT_TIMEOUT_S,
    ) -> None:
        self._pool = postgres.Pool(
            conninfo, schema, what=WHAT, connections=connections, timeout_s=timeout_s
        )
        self.conninfo = conninfo
        self.schema = self._pool.schema

    def __repr__(self) -> str:
        return f"<Database schema={self.schema}>"

    @contextmanager
    def transaction(self) -> Iterator[Cursor]:
        """A cursor in one transaction, committed at the end, rolled back on any exception.

        Raises:
            BackendUnavailable: the database does not answer, or the connection broke; whether
                the transaction was committed is then unknown.
        """
        with self._pool.transaction() as connection, connection.cursor() as cursor:
            yield cursor

    @contextmanager
    def snapshot(self) -> Iterator[Cursor]:
        """A cursor whose queries all see the database as it was at one moment. Read-only.

        Raises:
            BackendUnavailable: the database does not answer.
        """
        with self._pool.snapshot() as connection, connection.cursor() as cursor:
            yield cursor

    def close(self) -> None:
        """Close all connections. Safe to call again."""
        self._pool.close()
