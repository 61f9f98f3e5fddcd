"""Connections to the one schema that holds everything, and the model its vectors come from.

Every connection is in autocommit mode: a transaction exists only where the code says
`conn.transaction()`, so each commit point can be read off the page.
"""

from __future__ import annotations

import importlib.resources
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import psycopg
from pgvector.psycopg import register_vector
from psycopg import sql
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool

from veristack_lab.errors import EmbeddingModelChanged
from veristack_lab.runtime import migrations

Connection = psycopg.Connection[DictRow]

CONNECT_TIMEOUT_S = 5


def migrate(conninfo: str, schema: str) -> list[str]:
    """Make the schema, or bring it up to date; the names of the files applied now."""
    with psycopg.connect(conninfo, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S) as conn:
        folder = importlib.resources.files("veristack_lab.smartsearch") / "migrations"
        return migrations.apply(conn, schema, folder)


class Database:
    """A pool of connections whose search path is one migrated schema. Thread-safe."""

    def __init__(self, conninfo: str, schema: str, *, max_connections: int = 8) -> None:
        self.schema = schema
        migrate(conninfo, schema)
        self._space: tuple[str, int] | None = None
        self._space_lock = threading.Lock()
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            conninfo,
            kwargs={
                "autocommit": True,
                "row_factory": dict_row,
                "connect_timeout": CONNECT_TIMEOUT_S,
            },
            min_size=1,
            max_size=max_connections,
            configure=self._configure,
            # A server that was restarted leaves dead connections behind; they are replaced here.
            check=ConnectionPool.check_connection,
            timeout=CONNECT_TIMEOUT_S,
            open=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Database schema={self.schema}>"

    def _configure(self, conn: psycopg.Connection[Any]) -> None:
        path = sql.SQL("SET search_path TO {}, public").format(sql.Identifier(self.schema))
        conn.execute(path)
        register_vector(conn)

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection for one or more statements, each its own transaction.

        Raises:
            psycopg.OperationalError: no connection could be had in time.
        """
        with self._pool.connection() as conn:
            yield conn

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A connection with one transaction around the body; it commits when the body ends."""
        with self._pool.connection() as conn, conn.transaction():
            yield conn

    def space(self) -> tuple[str, int] | None:
        """(model, dimensions) of the stored vectors; None before the first."""
        if self._space is None:
            with self.connection() as conn:
                row = conn.execute("SELECT model, dimensions FROM embedding_space").fetchone()
            if row is not None:
                with self._space_lock:
                    self._space = (row["model"], row["dimensions"])
        return self._space

    def require_space(self, model: str, dimensions: int) -> None:
        """Make this model the schema's one if it has none yet.

        Raises:
            EmbeddingModelChanged: the schema holds vectors of another model.
        """
        if self.space() is None:
            with self.connection() as conn:
                conn.execute(
                    "INSERT INTO embedding_space (model, dimensions) VALUES (%s, %s)"
                    " ON CONFLICT DO NOTHING",
                    (model, dimensions),
                )
        known = self.space()
        if known != (model, dimensions):
            raise EmbeddingModelChanged(
                f"schema {self.schema!r} holds vectors of {known[0]} ({known[1]} dimensions), but"
                f" the engine answers with {model} ({dimensions}). Serve that model, or ingest"
                " into another schema."
                if known
                else None
            )

    def close(self) -> None:
        """Close all connections. Safe to call again."""
        self._pool.close()
