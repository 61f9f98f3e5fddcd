"""Connections to the job database, and the one way to a transaction on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from veristack_lab.errors import BackendUnavailable
from veristack_lab.runtime.migrations import check_schema

CONNECT_TIMEOUT_S = 10.0

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
        timeout_s: float = CONNECT_TIMEOUT_S,
    ) -> None:
        self.conninfo = conninfo
        self.schema = check_schema(schema)
        self._pool: ConnectionPool[psycopg.Connection[DictRow]] = ConnectionPool(
            conninfo,
            min_size=1,
            max_size=connections,
            open=False,
            timeout=timeout_s,
            num_workers=1,
            kwargs={"row_factory": dict_row},
            configure=self._configure,
            check=ConnectionPool.check_connection,
        )
        self._pool.open()

    def __repr__(self) -> str:
        return f"<Database schema={self.schema}>"

    def _configure(self, connection: psycopg.Connection[DictRow]) -> None:
        name = sql.Identifier(self.schema)
        connection.execute(sql.SQL("set search_path to {}").format(name))
        connection.commit()

    @contextmanager
    def transaction(self) -> Iterator[Cursor]:
        """A cursor in one transaction, committed at the end, rolled back on any exception.

        Raises:
            BackendUnavailable: the database does not answer, or the connection broke; whether
                the transaction was committed is then unknown.
        """
        try:
            with self._pool.connection() as connection, connection.cursor() as cursor:
                yield cursor
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise BackendUnavailable(
                f"the job database does not answer: {error}; check DATABASE_URL"
            ) from error

    @contextmanager
    def snapshot(self) -> Iterator[Cursor]:
        """A cursor whose queries all see the database as it was at one moment. Read-only.

        Raises:
            BackendUnavailable: the database does not answer.
        """
        with self.transaction() as cursor:
            cursor.execute("set transaction isolation level repeatable read read only")
            yield cursor

    def close(self) -> None:
        """Close all connections. Safe to call again."""
        self._pool.close()
