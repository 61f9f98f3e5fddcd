"""Connections to one schema of a Postgres, for every layer that keeps its state in one.

No state lives in a session: each transaction sets its own search path with `SET LOCAL`, and no
statement is prepared on the server. So a transaction pooler (PgBouncer, and what clouds put in
front of their servers) may hand each transaction to another server connection.

Every error of the driver comes out as one of the lab's (see `postgres_errors`).
"""

from __future__ import annotations

import selectors
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool

from veristack_lab.errors import BackendError
from veristack_lab.runtime import migrations
from veristack_lab.runtime.migrations import check_schema
from veristack_lab.runtime.postgres_errors import translated

CONNECT_TIMEOUT_S = 10
"""How long one attempt to connect may take."""
WAIT_TIMEOUT_S = 10.0
"""How long to wait for a connection of the pool."""

CHECK_TIMEOUT_S = 5.0
"""How long a server may take to answer on a connection that lay in the pool."""

Connection = psycopg.Connection[DictRow]
OnConnect = Callable[[Connection], object]


class Pool:
    """A few connections to one schema, for any number of threads; `close()` ends them.

    Opening does not connect: the first transaction does.

    Args:
        conninfo: a libpq connection string or URL.
        schema: where unqualified names are looked for, before `public`.
        what: what to call the database in messages, for example "the job database".
        connections: how many to keep at most.
        timeout_s: how long to wait for a connection before giving up.
        on_connect: called for each new connection, in a transaction with the search path set, for
            example to register types with the driver. What it does on the server must not be
            needed later.

    Raises:
        InvalidInput: the schema's name cannot be used, or the connection string is not one.
    """

    def __init__(
        self,
        conninfo: str,
        schema: str,
        *,
        what: str,
        connections: int = 4,
        timeout_s: float = WAIT_TIMEOUT_S,
        on_connect: OnConnect | None = None,
    ) -> None:
        self.conninfo = conninfo
        self.schema = check_schema(schema)
        self._what = what
        path = sql.SQL("set local search_path to {}, public").format(sql.Identifier(schema))
        self._begin = sql.SQL("begin; {}").format(path)
        self._begin_snapshot = sql.SQL(
            "begin isolation level repeatable read read only; {}"
        ).format(path)
        self._on_connect = on_connect
        with translated(what):
            self._pool: ConnectionPool[Connection] = ConnectionPool(
                conninfo,
                min_size=1,
                max_size=connections,
                timeout=timeout_s,
                num_workers=1,
                kwargs={
                    "row_factory": dict_row,
                    "autocommit": True,  # a transaction begins where `_opened` says so
                    "prepare_threshold": None,
                    "connect_timeout": CONNECT_TIMEOUT_S,
                },
                configure=self._configure if on_connect is not None else None,
                # A server that was restarted leaves dead connections behind: they are replaced.
                check=_check,
                open=True,
            )

    def __repr__(self) -> str:
        return f"<Pool schema={self.schema}>"

    def _configure(self, connection: Connection) -> None:
        assert self._on_connect is not None  # only then is this method handed to the pool
        connection.execute(self._begin)
        self._on_connect(connection)
        connection.commit()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A connection with one transaction around the body.

        Commit point: the COMMIT when the body ends. On any exception it is rolled back.

        Raises:
            BackendUnavailable: the database does not answer, or the connection broke; if that was
                at the commit, whether it took effect is unknown.
            BackendError: the database refuses; see `postgres_errors`.
            InvalidInput: a value cannot be stored.
        """
        with self._opened(self._begin) as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A connection whose queries all see the database as it was at one moment. Read-only.

        Raises:
            BackendUnavailable, BackendError, InvalidInput: see `transaction`.
        """
        with self._opened(self._begin_snapshot) as connection:
            yield connection

    @contextmanager
    def _opened(self, begin: sql.Composed) -> Iterator[Connection]:
        with translated(self._what), self._pool.connection() as connection:
            # The pool commits or rolls back. One message begins the transaction and sets its path.
            connection.execute(begin)
            yield connection
            if connection.info.transaction_status is TransactionStatus.INERROR:
                # Postgres would answer COMMIT with a silent rollback.
                raise BackendError(
                    f"a statement of this transaction failed, so {self._what} keeps nothing of it"
                )

    def close(self) -> None:
        """Close all connections. Safe to call again."""
        self._pool.close()


def _check(connection: Connection) -> None:
    """Ask the server for nothing, with a limit: a stopped one keeps its connections open.

    Raises:
        OperationalError: the connection is broken, or there is no answer.
    """
    raw = connection.pgconn
    raw.send_query(b"")
    raw.flush()
    deadline_s = time.monotonic() + CHECK_TIMEOUT_S
    with selectors.DefaultSelector() as selector:
        selector.register(raw.socket, selectors.EVENT_READ)
        while True:
            while raw.is_busy():
                if not selector.select(max(0.0, deadline_s - time.monotonic())):
                    raise psycopg.OperationalError(f"no answer within {CHECK_TIMEOUT_S:g} s")
                raw.consume_input()
            result = raw.get_result()
            if result is None:
                return
            if result.status != ExecStatus.EMPTY_QUERY:
                raise psycopg.OperationalError(result.error_message.decode(errors="replace"))


@contextmanager
def session(conninfo: str, what: str) -> Iterator[psycopg.Connection[Any]]:
    """One connection outside any pool, in autocommit mode, for migrations and the like.

    Raises:
        BackendUnavailable, BackendError, InvalidInput: see `Pool.transaction`.
    """
    with (
        translated(what),
        psycopg.connect(
            conninfo,
            autocommit=True,
            prepare_threshold=None,
            connect_timeout=CONNECT_TIMEOUT_S,
        ) as connection,
    ):
        yield connection


def migrate(conninfo: str, schema: str, folder: Traversable | Path, what: str) -> list[str]:
    """Bring a schema up to date with the SQL files of a folder; see `migrations`.

    Returns:
        The names of the files that were applied now, possibly none.

    Raises:
        InvalidInput: the schema's name cannot be used.
        MigrationConflict: the schema was made by other files than these.
        PrivilegeMissing: something must be made that the role may not make.
        BackendUnavailable: the database does not answer.
    """
    with session(conninfo, what) as connection:
        return migrations.apply(connection, schema, folder)
