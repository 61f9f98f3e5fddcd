"""The one schema that holds everything, and the model its vectors come from."""

from __future__ import annotations

import importlib.resources
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from pgvector.psycopg import register_vector

from veristack_lab.errors import EmbeddingModelChanged
from veristack_lab.runtime import postgres
from veristack_lab.runtime.postgres import Connection

__all__ = ["Connection", "Database", "migrate"]

WHAT = "the document database"
WAIT_TIMEOUT_S = 5.0


def migrate(conninfo: str, schema: str) -> list[str]:
    """Make the schema, or bring it up to date; the names of the files applied now.

    Raises:
        BackendUnavailable, BackendError, InvalidInput: see `runtime.postgres.migrate`.
    """
    folder = importlib.resources.files("veristack_lab.smartsearch") / "migrations"
    return postgres.migrate(conninfo, schema, folder, WHAT)


class Database:
    """A pool of connections to one migrated schema. Thread-safe."""

    def __init__(self, conninfo: str, schema: str, *, max_connections: int = 8) -> None:
        self.schema = schema
        migrate(conninfo, schema)
        self._space: tuple[str, int] | None = None
        self._space_lock = threading.Lock()
        self._pool = postgres.Pool(
            conninfo,
            schema,
            what=WHAT,
            connections=max_connections,
            timeout_s=WAIT_TIMEOUT_S,
            on_connect=register_vector,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Database schema={self.schema}>"

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A connection with one transaction around the body; it commits when the body ends.

        Raises:
            BackendUnavailable, BackendError, InvalidInput: see `runtime.postgres.Pool`.
        """
        with self._pool.transaction() as conn:
            yield conn

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A connection whose queries all see the database as it was at one moment. Read-only."""
        with self._pool.snapshot() as conn:
            yield conn

    def space(self) -> tuple[str, int] | None:
        """(model, dimensions) of the stored vectors; None before the first."""
        if self._space is None:
            with self.transaction() as conn:
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
            with self.transaction() as conn:
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
